/**
 * The tracker: what a shop calls, and when a page view is one.  Nothing
 * happens at import; without a document (on a server) calls do nothing.
 */

import { beginDelivery, deliver, endDelivery, flush, leave, resume, stats } from './delivery.js';
import { tidy, uuid } from './fields.js';
import { autoPageView, configure, dedupeMs, hashRouting, isDenied, isGranted } from './settings.js';
import { report, sessionTimeoutMs, setConsent, transform } from './settings.js';
import { CLIENT, forget, get, ORDER, QUEUE, remove, SESSION, set } from './store.js';
import { forgetToken } from './token.js';

/** @typedef {import('./types.js').Tracker} Tracker */

let on = false;
let lastPath = '';
/** @type {Record<string, unknown>} what was just sent */
let recent = {};

const path = () => location.pathname + location.search + (hashRouting ? location.hash : '');
const ids = () => {
  const prefix = isGranted ? '' : 'anon-'; // under such a name for this page alone
  const now = Date.now();
  const [last, at] = get(prefix + SESSION).split('.');
  const sessionId = last && now - +at < sessionTimeoutMs ? last : prefix + uuid();
  set(prefix + SESSION, sessionId + '.' + now);
  return { clientId: get(prefix + CLIENT) || set(prefix + CLIENT, prefix + uuid()), sessionId };
};

/** @param {string} eventName @param {Record<string, unknown>} [fields] */
const send = (eventName, fields) => {
  const urlPath = path();
  const eventId = uuid();
  const seen = recent;
  const key = eventName + (eventName === 'page_view' ? urlPath : JSON.stringify(fields));
  if (seen[key]) return;
  if (eventName !== 'add_to_cart') seen[key] = setTimeout(() => delete seen[key], dedupeMs);
  /** @type {import('./types.js').ClickEvent} */
  const event = { eventName, eventId, eventTimestamp: Date.now(), ...ids(), urlPath, ...fields };
  const changed = transform?.(event);
  if (changed === null) return;
  const body = tidy(changed || event);
  if (eventName === 'checkout_complete') {
    const order = ORDER + event.orderId;
    if (!event.orderId) return report('no_orderId', body);
    if (get(order)) return; // a reload is no second sale
    set(order, '1');
  }
  const stored = QUEUE + Date.now() + eventId;
  set(stored, body);
  deliver(stored);
};

/** @param {boolean} [again] the same page counts once more */
const view = (again) => {
  const urlPath = path();
  const referrer = lastPath || document.referrer;
  if (urlPath !== lastPath) {
    recent = {};
    resume();
  } else if (!again) return;
  lastPath = urlPath;
  send('page_view', { title: document.title, referrer });
};

/** @param {() => unknown} work what must not throw, nor happen without a visitor */
const attempt = (work) => {
  if (!on || isDenied) return;
  if (/** @type {any} */ (document).prerendering)
    return document.addEventListener('prerenderingchange', () => attempt(work));
  try {
    work();
  } catch (error) {
    report('' + error);
  }
};
const look = () => attempt(() => autoPageView && view());

/** @param {string} name @param {Record<string, unknown>} [fields] */
const track = (name, fields) => {
  look(); // a page is seen before what happens on it
  attempt(() => send(name, fields));
};

const begin = () => {
  attempt(beginDelivery);
  look();
};

const listen = () => {
  for (const name of /** @type {const} */ (['pushState', 'replaceState'])) {
    const original = history[name];
    history[name] = (...args) => {
      original.apply(history, args);
      setTimeout(look); // the router sets its title meanwhile
    };
  }
  addEventListener('popstate', look); // for `#/cart` as well
  addEventListener('online', resume);
  addEventListener('visibilitychange', () => document.hidden && leave());
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) lastPath = '';
    look();
  });
};

/** @type {Tracker} */
const tracker = {
  track,
  page: () => attempt(() => view(true)),
  productView: (product) => track('product_view', product),
  addToCart: (product, quantity = 1) => track('add_to_cart', { ...product, quantity }),
  checkoutStart: (order) => track('checkout_start', order),
  checkoutComplete: (order) => track('checkout_complete', order),
  signedOut: () => {
    leave(); // what waits is still this user's
    forgetToken();
    remove(SESSION);
  },
  ids: () => /** @type {any} */ (on && ids()),
  flush,
  consent: (given) => {
    if (given !== 'granted') {
      forget();
      endDelivery();
    }
    setConsent(given);
    begin();
  },
  stats,
  stop: () => {
    on = false;
    endDelivery();
  },
};

/** @param {import('./types.js').Options} [options] @returns {Tracker} */
export const createTracker = (options = {}) => {
  if (!on && globalThis.document) {
    on = true;
    lastPath = '';
    configure(options);
    listen(); // twice does no harm
    begin();
  }
  return tracker;
};
