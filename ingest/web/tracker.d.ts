import type { Options, Tracker } from './types.js';

export * from './types.js';

/** The page's tracker; a second call gives the first one's. */
export function createTracker(options?: Options): Tracker;
