/** Who is signed in: Cognito's tokens, for as long as this tab lives. */

import { config } from './config.js';

const KEY = 'shop-session';
const listeners = new Set();

const read = () => JSON.parse(sessionStorage.getItem(KEY));
let session = read();

const keep = (tokens) => {
  session = tokens;
  if (tokens) sessionStorage.setItem(KEY, JSON.stringify(tokens));
  else sessionStorage.removeItem(KEY);
  listeners.forEach((listener) => listener());
};

const askCognito = async (AuthFlow, AuthParameters) => {
  const answer = await fetch(config.cognito.url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-amz-json-1.1',
      'X-Amz-Target': 'AWSCognitoIdentityProviderService.InitiateAuth',
    },
    body: JSON.stringify({ ClientId: config.cognito.clientId, AuthFlow, AuthParameters }),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.message ?? told.__type);
  return told.AuthenticationResult;
};

const claimsOf = (token) => {
  const text = atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0))));
};

export const signIn = async (email, password) => {
  const tokens = await askCognito('USER_PASSWORD_AUTH', { USERNAME: email, PASSWORD: password });
  const groups = claimsOf(tokens.IdToken)['cognito:groups'] ?? [];
  keep({
    email,
    isAdmin: groups.includes('admin'),
    token: tokens.IdToken,
    refresh: tokens.RefreshToken,
  });
};

export const signOut = () => keep(null);

/** What the tracker and the upload ask for; Cognito is asked where it is time. */
export const getToken = async ({ forceRefresh = false } = {}) => {
  if (!session) return null;
  const left = claimsOf(session.token).exp * 1000 - Date.now();
  if (forceRefresh || left < 60_000) {
    const tokens = await askCognito('REFRESH_TOKEN_AUTH', { REFRESH_TOKEN: session.refresh });
    keep({ ...session, token: tokens.IdToken });
  }
  return session.token;
};

export const sessionStore = {
  subscribe: (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  get: () => session,
};
