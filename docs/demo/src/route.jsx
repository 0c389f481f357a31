/** Which page is shown: its path, in the browser's own history. */

import { useSyncExternalStore } from 'react';
import { flushSync } from 'react-dom';

const listeners = new Set();
const tell = () => listeners.forEach((listener) => listener());
addEventListener('popstate', tell);

const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const usePath = () => useSyncExternalStore(subscribe, () => location.pathname);

/** The page is there, with its title, when this returns. */
export const go = (path) => {
  history.pushState(null, '', path);
  flushSync(tell);
  scrollTo(0, 0);
};

/** A link that needs no new document, unless it is opened in another tab. */
export const Link = ({ to, ...rest }) => {
  const follow = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(to);
  };
  return <a href={to} onClick={follow} {...rest} />;
};
