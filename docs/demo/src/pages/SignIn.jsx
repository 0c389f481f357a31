import { useState } from 'react';
import { config } from '../config.js';
import { go } from '../route.jsx';
import { signIn } from '../session.js';

export const SignIn = () => {
  const [trouble, setTrouble] = useState('');
  const submit = async (event) => {
    event.preventDefault();
    const { email, password } = Object.fromEntries(new FormData(event.target));
    try {
      await signIn(email, password);
      go('/');
    } catch (error) {
      setTrouble(error.message);
    }
  };
  const fill = ({ email, password }) => {
    const { elements } = document.querySelector('form');
    elements.email.value = email;
    elements.password.value = password;
  };
  return (
    <form onSubmit={submit} className="panel narrow">
      <h1>Sign in</h1>
      <label>Email <input name="email" type="email" required autoComplete="username" /></label>
      <label>
        Password
        <input name="password" type="password" required autoComplete="current-password" />
      </label>
      <button className="main wide">Sign in</button>
      <p role="alert" className="trouble">{trouble}</p>
      <p className="maker">Accounts of this demo:</p>
      <ul className="accounts">
        {config.accounts.map((account) => (
          <li key={account.email}>
            <button type="button" className="plain" onClick={() => fill(account)}>
              {account.email}
            </button>
          </li>
        ))}
      </ul>
    </form>
  );
};
