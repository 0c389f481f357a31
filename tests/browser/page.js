// What the tests call in a page: start() makes the tracker and keeps what it
// complains about.
import { createTracker } from '/e.js';
import { uploadImage } from '/upload.js';

const problems = [];
const start = (options) =>
  (window.tracker = createTracker({ onError: (problem) => problems.push(problem), ...options }));
Object.assign(window, { problems, start, uploadImage });
