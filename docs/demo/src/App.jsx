import { useEffect, useLayoutEffect, useRef } from 'react';
import { useTracker } from 'clickspool/react';
import { Notice } from './Notice.jsx';
import { Admin } from './pages/Admin.jsx';
import { Browse } from './pages/Browse.jsx';
import { Cart } from './pages/Cart.jsx';
import { Checkout } from './pages/Checkout.jsx';
import { Product } from './pages/Product.jsx';
import { SignIn } from './pages/SignIn.jsx';
import { Thanks } from './pages/Thanks.jsx';
import { go, Link, usePath } from './route.jsx';
import { signOut } from './session.js';
import { useShop } from './shop.jsx';

const PAGES = {
  '': ['Saltmarsh', Browse],
  product: ['Product', Product],
  cart: ['Cart', Cart],
  checkout: ['Checkout', Checkout],
  thanks: ['Thank you', Thanks],
  'sign-in': ['Sign in', SignIn],
  admin: ['Product pictures', Admin],
};
const LOST = ['Not found', () => <Notice>There is no such page.</Notice>];

const Header = () => {
  const { user, count } = useShop();
  const tracker = useTracker();
  const leave = () => {
    tracker.signedOut(); // what waits is sent as this user's first
    signOut();
    go('/');
  };
  return (
    <header>
      <Link to="/" className="brand">
        <img src="/icon.svg" alt="" width="32" height="32" /> Saltmarsh
      </Link>
      <nav aria-label="Shop">
        {user?.isAdmin && <Link to="/admin">Admin</Link>}
        {user ? (
          <button className="plain" onClick={leave}>Sign out</button>
        ) : (
          <Link to="/sign-in">Sign in</Link>
        )}
        <Link to="/cart" className="cart-link">
          Cart <span className="count" aria-label={`${count} in it`}>{count}</span>
        </Link>
      </nav>
    </header>
  );
};

export const App = () => {
  const path = usePath();
  const { products, user } = useShop();
  const [, page, id] = path.split('/');
  const [title, Page] = PAGES[page] ?? LOST;
  const name = products.find(({ productId }) => productId === id)?.name;

  useLayoutEffect(() => {
    document.title = page ? `${name ?? title} – Saltmarsh` : title;
  });

  // Who reads or types goes on at the new page, not at a link that is gone.
  const main = useRef(null);
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current !== path) main.current.focus({ preventScroll: true });
    shown.current = path;
  }, [path]);
  return (
    <>
      <Header />
      <main ref={main} tabIndex={-1}>
        <Page key={path} id={id} />
      </main>
      <footer>
        <p>A demo: nothing is for sale, and every click goes to clickspool.</p>
        <p>{user ? `Signed in as ${user.email}.` : 'You are here as a guest.'}</p>
      </footer>
    </>
  );
};
