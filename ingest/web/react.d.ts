import type { FunctionComponent, ReactNode } from 'react';
import type { Fields, Options, Tracker } from './types.js';

export interface ClickspoolProps extends Options {
  children?: ReactNode;
}

/** Makes the page's tracker, with the options of its first render. */
export const Clickspool: FunctionComponent<ClickspoolProps>;

export function useTracker(): Tracker;

/** Tracks when the component appears, and again for another @key; while that
 * is null nothing is sent. */
export function useTrackOnce(name: string, fields?: Fields, key?: string | number | null): void;
