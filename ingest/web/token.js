/**
 * The shop's JWT, kept so that an event of a page that is leaving need not
 * wait for it: whatever is asynchronous then comes too late.
 */

import { getToken } from './settings.js';

/** @typedef {string | null | undefined | false | void} Jwt false: a guest */

/** @type {Jwt} */
let jwt;
let expires = 0;
/** @type {Jwt} what the server did not take */
let refused;
/** @type {Promise<Jwt> | null} */
let asking;

/** @param {any} text */
const expiryOf = (text) =>
  JSON.parse(atob(text.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))).exp * 1e3;

/** @param {boolean} [forceRefresh] */
const askToken = (forceRefresh) => {
  /** @type {Promise<Jwt>} */
  const mine = (asking ||= Promise.resolve({ forceRefresh })
    .then(getToken)
    .catch(() => {})
    .then((given) => {
      if (asking !== mine) return asking; // signed out meanwhile
      asking = null;
      // By a clock that is wrong any token has expired: the server judges.
      expires = Date.now() + 9e4;
      jwt = given !== refused && given;
      try {
        expires = Math.max(expires, expiryOf(jwt));
      } catch {}
      return jwt;
    }));
  return mine;
};

/** What can be said while the page leaves. */
export const knownToken = () => (expires > Date.now() ? jwt : null);

/** The same, or a promise of another one a minute before its end. */
export const token = () =>
  getToken && (jwt && expires - Date.now() > 6e4 ? jwt : askToken());

export const forgetToken = () => {
  jwt = asking = null;
};

/** Another one for @bad, which the server refused. @param {Jwt} bad */
export const renewToken = (bad) => {
  if (jwt === bad) forgetToken();
  refused = bad;
  return jwt || askToken(true);
};
