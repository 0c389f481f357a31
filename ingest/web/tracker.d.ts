import type { Options, Tracker } from './types';

export * from './types';

/** The page's tracker; a second call gives the first one's. */
export function createTracker(options?: Options): Tracker;
