'use client';

/** The tracker in a React tree; it is the page's, and outlives the tree. */

import { createContext, createElement, useContext, useEffect, useRef, useState } from 'react';
import { createTracker } from './tracker.js';

const Context = createContext(/** @type {import('./types.js').Tracker | null} */ (null));

/** @param {import('./react.js').ClickspoolProps} props */
export const Clickspool = ({ children, ...options }) => {
  const [tracker] = useState(() => createTracker(options));
  return createElement(Context.Provider, { value: tracker }, children);
};

export const useTracker = () => {
  const tracker = useContext(Context);
  if (!tracker) throw new Error('useTracker() needs <Clickspool> above it');
  return tracker;
};

/** @type {typeof import('./react.js').useTrackOnce} */
export const useTrackOnce = (name, fields, key = name) => {
  const tracker = useTracker();
  const done = useRef(/** @type {unknown} */ (null));
  useEffect(() => {
    // StrictMode runs effects twice; null: the data are not there yet.
    if (key === null || done.current === key) return;
    done.current = key;
    tracker.track(name, fields);
  }, [key]);
};
