/**
 * Events on their way: one request each, at once, with keepalive, which is
 * what lets it outlive its page.  An event leaves the queue, which outlives
 * the page too, only when it is answered: sent at least once, and ingest
 * knows its id.
 */

import { endpoint, isGranted, maxEventAgeMs, maxEventBytes, maxQueue } from './settings.js';
import { report, retries } from './settings.js';
import { area, get, QUEUE, remove } from './store.js';
import { knownToken, renewToken, token } from './token.js';

const IDLE = 0;
const WAITING = 1; // for a token
const SENDING = 2;

/** Each event's state by the key of its JSON in the store, oldest first.
 * @type {Map<string, number>} */
const queue = new Map();
let sent = 0;
let refused = 0;
let dropped = 0;
let fails = 0; // in a row
/** @type {any} said already */
let misled;
/** @type {any} */
let timer;
/** @type {(() => void) | undefined} lets another tab look after the queue */
let release;

/** @param {string} key */
const take = (key) => {
  queue.delete(key);
  remove(key);
};

/** @param {string} key @param {string} why */
const drop = (key, why) => {
  report(why, get(key));
  take(key);
  dropped++;
};

const pump = () => {
  if (!queue.size) release?.();
  if (!timer && fails <= retries) queue.forEach((state, key) => state || send(key));
};

/** @param {string} key @param {any} seconds */
const failed = (key, seconds) => {
  queue.set(key, IDLE);
  if (timer) return;
  if (fails++ < retries)
    timer = setTimeout(() => {
      timer = 0;
      pump();
    }, (+seconds || 2 ** fails * Math.random()) * 1e3);
  else report('undelivered', get(key));
};

/**
 * @param {string} key
 * @param {import('./token.js').Jwt} jwt
 * @param {boolean} [renewed]
 */
const post = async (key, jwt, renewed) => {
  const body = get(key);
  queue.set(key, SENDING);
  jwt = isGranted && jwt;
  /** @type {RequestInit} */
  const request = { method: 'POST', body, keepalive: true, credentials: 'omit' };
  // As text/plain: ingest reads JSON all the same, and a guest needs no
  // preflight.
  if (jwt) request.headers = { Authorization: 'Bearer ' + jwt };
  const answer = await fetch(endpoint, request)
    // For want of room among the page's keepalive requests?
    .catch(() => fetch(endpoint, { ...request, keepalive: false }))
    .catch(() => /** @type {any} */ ({}));

  const { status } = answer;
  if (!queue.has(key)) return;
  if (status === 401 && jwt) {
    // Once with a new token, then as a guest.
    const other = await renewToken(jwt);
    post(key, !renewed && other, true);
  } else if (status === 202 || /4(?!08|29)../.test(status)) {
    take(key);
    resume();
    status === 202 ? sent++ : refused++;
    const told = await answer.json().catch(() => ({}));
    if (status !== 202) report(status, body, { ...told, ...told.errors?.[0] });
    else if (jwt && told.identity === 'client') misled ||= report('token_ignored');
  } else failed(key, answer.headers?.get('retry-after'));
};

/**
 * In a microtask at the earliest: fetch() is not on track()'s time, and still
 * is called before the page may leave.  @param {string} key
 */
const send = async (key) => {
  queue.set(key, WAITING);
  const jwt = await token();
  if (queue.get(key) === WAITING) post(key, jwt);
};

/** What is stored under it goes out. @param {string} key */
export const deliver = (key) => {
  queue.set(key, IDLE);
  if (get(key).length > maxEventBytes) drop(key, 'too_large');
  if (Date.now() - +key.slice(19, 32) > maxEventAgeMs) drop(key, 'too_old');
  if (queue.size > maxQueue) drop([...queue.keys()][0], 'too_many');
  pump();
};

/** What is stored and not known yet. */
const adopt = () => {
  for (const key in area(QUEUE)) if (key.startsWith(QUEUE) && !queue.has(key)) deliver(key);
};

/** What is left of other pages is sent, by one tab. */
export const beginDelivery = () =>
  navigator.locks?.request('clickspool', { ifAvailable: true }, (lock) =>
    lock && new Promise((/** @type {(_?: unknown) => void} */ done) => {
      release = done;
      adopt();
    })).catch(adopt) || adopt();

/** All that is not on its way goes, with the token that is at hand. */
export const leave = () => {
  release?.();
  queue.forEach((state, key) => state === SENDING || post(key, knownToken()));
};

/** A new page, or the network is back, or ingest is. */
export const resume = () => {
  fails = 0;
  pump();
};

/** Now, whatever was said of later. */
export const flush = () => {
  timer = clearTimeout(timer);
  resume();
};

/** What waits is forgotten, but not what is stored. */
export const endDelivery = () => {
  queue.clear();
  flush();
};

export const stats = () => ({ sent, refused, dropped, queued: queue.size });
