/* Asks ingest again and again, and shows what it says. */

const LIVE_MS = 2000; /* figures */
const LISTS_MS = 5000; /* lists and checks */
const METRICS_MS = 30000;
const WAIT_MS = 8000; /* for an answer */

const page = {
  figures: makeFigures(),
  refusals: makeRefusals(),
  entries: makeEntries(),
  filters: byId('filters'),
  reasons: [],
  paused: false,
  lost: null, /* since when ingest has not answered */
};

async function ask(path) {
  const answer = await fetch(path,
    {cache: 'no-store', signal: AbortSignal.timeout(WAIT_MS)});
  /* 503 is what /readyz says of a full spool. */
  if (!answer.ok && path !== 'readyz') throw new Error(`${answer.status}`);
  return answer;
}

async function askJson(path) {
  return (await ask(path)).json();
}

function entriesPath() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(page.filters))
    if (value && name !== 'follow') query.set(name, value.trim());
  return `entries?${query}`;
}

function filterBy(name, value) {
  page.filters.elements[name].value = value;
  page.filters.elements[name].focus();
  run(lookAtEntries);
}

async function lookAtEntries() {
  const path = entriesPath();
  const told = await askJson(path);
  if (path === entriesPath())
    showEntries(page.entries, told, filterBy);
}

async function lookAtFigures() {
  const [live, status] = await Promise.all([askJson('live'),
    askJson('status')]);
  showFigures(page.figures, live, status, page.reasons);
  showNames(live.events);
  setText(byId('about'), `ingest ${live.version} on ${location.host}, up ` +
    `${span(live.uptimeSeconds)}; as of ${clock(new Date(live.time))}`);
}

async function lookAtLists() {
  const [ready, refused] = await Promise.all([askJson('readyz'),
    askJson('refused')]);
  showChecks(ready);
  showRefusals(page.refusals, refused);
  if (page.filters.elements.follow.checked) await lookAtEntries();
}

async function lookAtMetrics() {
  page.reasons = deadReasons(await (await ask('metrics')).text());
}

function showNames(events) {
  const list = byId('events');
  const names = events.map((one) => one.event).filter((one) => one !== 'other');
  if (names.join() !== list.dataset.names) {
    list.dataset.names = names.join();
    list.replaceChildren(...names.map((value) => html('option', {value})));
  }
}

/* Whether ingest answers is told once, not at each attempt. */
async function run(look) {
  try {
    await look();
    page.lost = null;
  } catch (error) {
    page.lost ??= new Date();
    showHealth('fail', `✕ No answer since ${clock(page.lost)}`);
    console.warn(error);
  }
}

async function repeat(look, pause) {
  for (;;) {
    if (!page.paused && !document.hidden) await run(look);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

byId('pause').addEventListener('click', () => {
  page.paused = !page.paused;
  byId('pause').setAttribute('aria-pressed', String(page.paused));
});
page.filters.addEventListener('submit', (event) => {
  event.preventDefault();
  run(lookAtEntries);
});
page.filters.addEventListener('change', () => run(lookAtEntries));
page.filters.addEventListener('reset', () =>
  setTimeout(() => run(lookAtEntries)));

repeat(lookAtMetrics, METRICS_MS);
repeat(lookAtFigures, LIVE_MS);
repeat(lookAtLists, LISTS_MS);
