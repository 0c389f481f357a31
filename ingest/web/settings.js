/**
 * What the shop asked for.  There is one tracker a page, so the modules hold
 * its state themselves; nothing of it is touched before configure().
 */

/** @typedef {import('./types.js').Options} Options */

/** @type {string} */
export let endpoint;
/** @type {Options['getToken']} */
export let getToken;
/** @type {Options['transform']} */
export let transform;
/** @type {boolean | undefined} */
export let autoPageView;
/** @type {boolean | undefined} */
export let hashRouting;
/** @type {boolean} */
export let persist;
/** @type {number} */
export let dedupeMs;
/** @type {number} */
export let maxEventAgeMs;
/** @type {number} */
export let maxEventBytes;
/** @type {number} */
export let maxQueue;
/** @type {number} */
export let retries;
/** @type {number} */
export let sessionTimeoutMs;

/** Whether the visitor may be known again, and whether he may be seen. */
export let isGranted = false;
export let isDenied = false;

/** @type {Options['gpc']} */
let gpc;
/** @type {Options['onError']} */
let onError;
/** @type {boolean} */
let debug;

/** @param {Options['consent']} consent */
export const setConsent = (consent = 'granted') => {
  isDenied = consent === 'denied';
  isGranted =
    consent === 'granted' &&
    !(gpc === 'anonymous' && /** @type {any} */ (navigator).globalPrivacyControl);
};

/** @param {Options} options */
export const configure = (options) => {
  ({
    endpoint = '/events',
    getToken,
    autoPageView = true,
    hashRouting,
    sessionTimeoutMs = 18e5,
    retries = 3,
    persist = true,
    maxQueue = 50,
    maxEventBytes = 16384,
    maxEventAgeMs = 864e5,
    dedupeMs = 1e3,
    gpc,
    transform,
    onError,
    debug = /\/(localhost|127)/.test(location.origin),
  } = options);
  setConsent(options.consent);
};

/**
 * @param {string} code
 * @param {string} [event] its JSON
 * @param {Partial<import('./types.js').Problem>} [told] by the server
 */
export const report = (code, event, told) => {
  const problem = { code, event, ...told };
  if (debug) console.warn('clickspool', problem);
  try {
    onError?.(problem);
  } catch {}
  return problem;
};
