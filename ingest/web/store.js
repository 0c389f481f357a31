/**
 * What outlives the page, where the visitor allows it.  Storage that is
 * denied, full or cleared costs no more than that: memory has it too.
 */

import { isGranted, persist } from './settings.js';

export const CLIENT = 'clickspool-client';
export const ORDER = 'clickspool-order-';

export const SESSION = 'clickspool-session';
export const QUEUE = 'clickspool-waiting-'; // last by name

/** @type {Record<string, string>} */
let memory = {};

/** A session is its tab's. @param {string} key @returns {Record<string, string>} */
export const area = (key) => {
  try {
    if (isGranted && (persist || key < QUEUE))
      return (key === SESSION ? sessionStorage : localStorage) || memory;
  } catch {}
  return memory;
};

/** @param {string} key */
export const get = (key) => area(key)[key] || memory[key] || '';

/** @param {string} key @param {string} value */
export const set = (key, value) => {
  try {
    area(key)[key] = value;
  } catch {}
  return (memory[key] = value);
};

/** @param {string} key */
export const remove = (key) => {
  delete memory[key];
  delete area(key)[key];
};

/** As if nobody had been here, whatever is allowed now. */
export const forget = () => {
  memory = {};
  try {
    for (const area of [localStorage, sessionStorage])
      for (const key in area) if (key.startsWith('clickspool-')) delete area[key];
  } catch {}
};
