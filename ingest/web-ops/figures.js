/* What is going on: tiles, plots, funnel, refusals by reason, delivery, cost,
 * checks. */

const TILES = ['Events a second', 'Taken', 'Refused', 'Waiting to ship',
  'Dead letters', 'Cost today'];

/* How much of the hour is drawn: no more than ingest has been up for. */
const WINDOWS = [
  {places: 60, marks: [[590, '10 min ago'], [300, '5 min'], [0, 'now']]},
  {places: 180, marks: [[1790, '30 min ago'], [900, '15 min'], [0, 'now']]},
  {places: 359, marks: [[3580, '1 h ago'], [1800, '30 min'], [0, 'now']]},
];

function makeFigures() {
  const tiles = {};
  for (const name of TILES) {
    const value = html('dd');
    const note = html('dd', {class: 'note'});
    byId('tiles').append(html('div', {}, html('dt', {}, name), value, note));
    tiles[name] = {value, note};
  }
  const steps = {stepSeconds: 10, ...WINDOWS[0], format: latency,
    series: [{name: 'median', kind: 'one'}, {name: '99th %', kind: 'two'}]};
  const funnel = makeTable('Events of the last hour, and the sessions they ' +
    'came from. Sessions are an estimate, right within some 7 %.',
  [['Event'], ['Events', 'number'], ['Sessions', 'number'],
    ['Of first', 'number'], ['', 'wide']], '', false);
  const reasons = makeTable('How often in the last hour, by code.',
    [['Code'], ['Times', 'number'], ['', 'wide']], '', false);
  byId('funnel').append(funnel.box);
  byId('reasons').append(reasons.box);
  return {
    tiles,
    live: makeChart(byId('live-chart'), {stepSeconds: 1, places: 120,
      title: 'Events a second, the last two minutes', format: rough,
      area: true, marks: [[119, '2 min ago'], [60, '1 min'], [0, 'now']],
      series: [{name: 'taken', kind: 'one'}, {name: 'refused', kind: 'two'}]}),
    commits: makeChart(byId('commit-chart'), {...steps,
      title: 'Write and sync of a group of entries, the last hour'}),
    requests: makeChart(byId('request-chart'), {...steps,
      title: 'POST /events, from head to answer, the last hour'}),
    funnel: funnel.table,
    reasons: reasons.table,
  };
}

/* @kind: `warn` or `fail` where it is to be looked at. */
function showTile(figures, name, value, note, kind = '') {
  const tile = figures.tiles[name];
  setText(tile.value, value);
  setText(tile.note, note);
  tile.value.className = kind;
}

function mean(row, places) {
  const last = row.slice(-places);
  return last.length ? last.reduce((a, b) => a + b, 0) / last.length : 0;
}

/* The cost of a number of bytes, and what a month of them is. */
function costOf(live, shipper) {
  const told = shipper?.ingested;
  if (!told) return null;
  const price = (number) => (number / 2 ** 30) * live.pricePerGib;
  const since = (Date.parse(live.time) - Date.parse(told.since)) / 86400000;
  const day = told.dayBefore || (since > 0 ? told.bytes / since : 0);
  return {today: price(told.bytes), dayBefore: price(told.dayBefore),
    month: 30 * price(day), measured: told.dayBefore > 0, bytes: told.bytes};
}

const SILENT_AFTER = 30; /* seconds, as for the check of shipper */

/* For how long shipper has told nothing, where that is too long; its figures
 * are of then. */
function silence(live, shipper) {
  const seconds = (Date.parse(live.time) - Date.parse(shipper.updatedAt)) / 1000;
  return seconds > SILENT_AFTER ? span(seconds) : '';
}

/* What waits, and whether anybody comes for it. */
function showWaiting(figures, live, {shipper, spool}) {
  const silent = shipper && silence(live, shipper);
  const note = !shipper ? 'shipper has not told anything'
    : silent ? `shipper is silent for ${silent}`
      : `oldest entry ${span(shipper.lagSeconds)} old`;
  showTile(figures, 'Waiting to ship', bytes(spool.unshippedBytes), note,
    spool.full ? 'fail' : !shipper || silent ? 'warn' : '');
}

function showTiles(figures, live, status) {
  const {shipper} = status;
  const refused = live.refused.reduce((sum, one) => sum + one.count, 0);
  const cost = costOf(live, shipper);
  showTile(figures, 'Events a second', rough(mean(live.seconds.accepted, 10)),
    'mean of 10 s');
  showTile(figures, 'Taken', count(status.accepted),
    `since the start; ${count(status.duplicates)} known already`);
  showTile(figures, 'Refused', count(refused), 'in the last hour');
  showWaiting(figures, live, status);
  showTile(figures, 'Dead letters',
    shipper ? count(shipper.counts.dead) : NONE,
    shipper ? `${count(shipper.counts.delivered)} delivered` : '',
    shipper?.counts.dead ? 'warn' : '');
  showTile(figures, 'Cost today', cost ? money(cost.today) : NONE,
    cost ? `${money(cost.month)} in 30 days` : '');
}

function toldRates(live) {
  return `${rough(mean(live.seconds.accepted, 10))} events a second taken ` +
    `and ${rough(mean(live.seconds.refused, 10))} refused, of late; at most ` +
    `${count(Math.max(0, ...live.seconds.accepted))} taken in one second.`;
}

function toldLatency(row) {
  const last = row.p99Us.filter((us) => us !== null).slice(-6);
  if (!last.length) return 'There was none.';
  return `The 99th percentile of the last of them was ${latency(last.at(-1))};` +
    ` the worst of an hour ${latency(Math.max(...row.p99Us))}.`;
}

function showLatency(chart, row, uptime) {
  const steps = uptime / chart.options.stepSeconds;
  const fits = WINDOWS.find((one) => one.places >= steps) ?? WINDOWS.at(-1);
  Object.assign(chart.options, fits);
  showChart(chart, [row.p50Us.slice(-fits.places),
    row.p99Us.slice(-fits.places)], toldLatency(row));
}

function showFunnel(figures, live) {
  const events = live.events.filter((one) =>
    one.event !== 'other' || one.accepted);
  const first = events[0]?.sessions || 0;
  const most = Math.max(0, ...events.map((one) => one.sessions ?? 0));
  setRows(figures.funnel, events.map((one) => html('tr', {role: 'row'},
    html('th', {role: 'rowheader', scope: 'row'}, one.event),
    html('td', {role: 'cell', class: 'number'}, count(one.accepted)),
    html('td', {role: 'cell', class: 'number'},
      one.sessions === null ? NONE : count(one.sessions)),
    html('td', {role: 'cell', class: 'number'},
      one.sessions === null ? NONE : share(one.sessions, first)),
    html('td', {role: 'cell', class: 'wide'}, bar(one.sessions, most)))));
}

function showReasons(figures, live) {
  const codes = [...live.refused].sort((a, b) => b.count - a.count);
  const most = codes[0]?.count ?? 0;
  const none = html('tr', {role: 'row'},
    html('td', {role: 'cell', colspan: '3'}, 'None.'));
  setRows(figures.reasons, codes.length ? codes.map((one) =>
    html('tr', {role: 'row'},
      html('th', {role: 'rowheader', scope: 'row', class: 'mono'}, one.code),
      html('td', {role: 'cell', class: 'number'}, count(one.count)),
      html('td', {role: 'cell', class: 'wide'}, bar(one.count, most, 'two'))))
    : [none]);
}

function ago(text) {
  const node = timeNode(text);
  const seconds = (Date.now() - Date.parse(text)) / 1000;
  return html('span', {}, node, seconds >= 0 ? `, ${span(seconds)} ago`
    : `, in ${span(-seconds)}`);
}

function toldRoom(live, status) {
  const meter = html('meter', {min: '0', max: String(live.maxUnshippedBytes),
    value: String(status.spool.unshippedBytes),
    high: String(live.maxUnshippedBytes / 2), 'aria-label': 'of the room'});
  return html('span', {}, `${bytes(status.spool.unshippedBytes)} of at most ` +
    `${bytes(live.maxUnshippedBytes)} `, meter);
}

function deliveryRows(live, status, reasons) {
  const {shipper, spool} = status;
  const rows = [
    ['Spool', `${count(spool.segments)} segment` +
      `${spool.segments === 1 ? '' : 's'}, ${bytes(spool.bytes)}`],
    ['Unshipped', toldRoom(live, status)],
  ];
  if (spool.full) rows.push(['No room', spool.full, {class: 'fail'}]);
  if (!shipper) return [...rows, ['Shipper', 'has not told anything']];
  const silent = silence(live, shipper);
  rows.push(['Shipper', html('span', {}, silent ? 'silent since '
    : `${shipper.state}, told `, ago(shipper.updatedAt)),
  silent ? {class: 'warn'} : {}],
  ['Lag', `${span(shipper.lagSeconds)}, ${bytes(shipper.lagBytes)}`],
  ['Rate', `${rough(shipper.eventsPerSecond)} entries and ` +
    `${bytes(Math.round(shipper.bytesPerSecond))} a second`],
  ['Delivered', count(shipper.counts.delivered)],
  ['Dead letters', [count(shipper.counts.dead), ...reasons.map(
    ([reason, number]) => `${count(number)} for ${reason}`)].join('; '),
  shipper.counts.dead ? {class: 'warn'} : {}]);
  if (shipper.counts.dropped)
    rows.push(['Dropped', `${count(shipper.counts.dropped)} by an operator`]);
  if (shipper.lastSuccessAt)
    rows.push(['Last success', ago(shipper.lastSuccessAt)]);
  if (shipper.lastError)
    rows.push(['Last error', html('span', {}, ago(shipper.lastError.at),
      ...[shipper.lastError.code, shipper.lastError.message]
        .filter((told) => told).map((told) => `: ${told}`))]);
  if (shipper.nextRetryAt) rows.push(['Next try', ago(shipper.nextRetryAt)]);
  return rows;
}

function costRows(live, status) {
  const cost = costOf(live, status.shipper);
  if (!cost) return [['Today', 'shipper has not told anything']];
  return [
    ['Today (UTC)', `${money(cost.today)} for ${bytes(cost.bytes)}`],
    ['The day before', money(cost.dayBefore)],
    ['30 days', `${money(cost.month)}, if each is like ` +
      (cost.measured ? 'the day before' : 'today so far')],
    ['Price', `$${live.pricePerGib.toFixed(2)} a GiB taken in, as ` +
      '[shipper] price_per_gib has it'],
  ];
}

function showFigures(figures, live, status, reasons) {
  showTiles(figures, live, status);
  showChart(figures.live, [live.seconds.accepted, live.seconds.refused],
    toldRates(live));
  showLatency(figures.commits, live.commits, live.uptimeSeconds);
  showLatency(figures.requests, live.requests, live.uptimeSeconds);
  showFunnel(figures, live);
  showReasons(figures, live);
  showFacts(byId('delivery'), deliveryRows(live, status, reasons));
  showFacts(byId('cost'), costRows(live, status));
}

/* The reasons of dead letters, from the text that Prometheus reads. */
function deadReasons(metrics) {
  const sample = /^clickspool_dead_letters_total\{reason="([^"]*)"\} (\d+)$/gm;
  return [...metrics.matchAll(sample)]
    .map(([, reason, number]) => [reason, Number(number)])
    .filter(([, number]) => number > 0);
}

const CHECK_WORDS = {pass: '✓ fine', warn: '! look at it', fail: '✕ failing'};

function showChecks(ready) {
  const checks = Object.entries(ready.checks);
  const bad = checks.filter(([, [one]]) => one.status !== 'pass');
  byId('checks').replaceChildren(...checks.map(([name, [one]]) =>
    html('li', {}, html('strong', {class: one.status},
      CHECK_WORDS[one.status] ?? one.status), ` ${name}`,
    one.output ? html('span', {class: 'muted'}, ` – ${one.output}`) : '')));
  showHealth(ready.status, ready.status === 'pass' ? '✓ All is well'
    : ready.status === 'warn'
      ? `! Takes events; to look at: ${bad.map(([name]) => name).join(', ')}`
      : `✕ Takes no events: ${bad.filter(([, [one]]) => one.status === 'fail')
        .map(([name]) => name).join(', ')}`);
}

/* In the tab's title as well, for who looks at another one. */
function showHealth(status, text) {
  const health = byId('health');
  health.className = `health ${status}`;
  setText(health, text);
  document.title = `${text[0]} clickspool`;
}
