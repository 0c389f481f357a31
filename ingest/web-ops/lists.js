/* The last refusals and the last entries. */

function cell(label, told, name) {
  const nothing = told === null || told === undefined || told === '';
  return html('td', {role: 'cell', 'data-label': label,
    class: `${name ?? ''}${nothing ? ' empty' : ''}`},
  html('span', {}, nothing ? NONE : told));
}

function rowGroup(...rows) {
  return html('tbody', {role: 'rowgroup'}, ...rows);
}

function emptyGroup(columns, text) {
  return rowGroup(html('tr', {role: 'row'},
    html('td', {role: 'cell', colspan: String(columns)}, text)));
}

function makeRefusals() {
  const {box, table} = makeTable('The last 200 refusals, the newest first; ' +
    'no values are kept.', [['Time'], ['Code'], ['Event'], ['Pointer'],
    ['Page'], ['What would be right'], ['Request']], 'list');
  byId('refusals').append(box);
  return table;
}

function refusalGroup(one) {
  const code = one.times > 1 ? `${one.code} ×${count(one.times)}` : one.code;
  return rowGroup(html('tr', {role: 'row'},
    cell('Time', timeNode(one.at)),
    cell('Code', code, 'mono whole'),
    cell('Event', one.event ?? one.route, 'mono'),
    cell('Pointer', one.pointer, 'mono whole'),
    cell('Page', one.path, 'mono'),
    cell('Right', one.detail),
    cell('Request', one.requestId, 'mono')));
}

function showRefusals(table, told) {
  if (!told.refused.length) {
    syncBodies(table, ['none'], (key) => key,
      () => emptyGroup(7, 'None since the start.'));
    return;
  }
  /* A new start of ingest counts anew. */
  syncBodies(table, told.refused,
    (one) => `${one.at} ${one.number} ${one.times}`, refusalGroup);
}

function makeEntries() {
  const {box, table} = makeTable('The last entries of the spool, the newest ' +
    'first.', [['Received'], ['Event'], ['Category'], ['Client'], ['Session'],
    ['Page or product'], ['Whole']], 'list');
  byId('entries').append(box);
  return table;
}

/* A press on it asks for its own. */
function filterNode(name, value, ask) {
  if (typeof value !== 'string') return null;
  const button = html('button', {type: 'button', class: 'link',
    title: `Only this ${name}`}, value);
  button.addEventListener('click', () => ask(name, value));
  return button;
}

let wholeCount = 0;

function entryGroup(entry, ask) {
  const id = `whole-${++wholeCount}`;
  const more = html('button', {type: 'button', class: 'link',
    'aria-expanded': 'false', 'aria-controls': id}, 'JSON');
  const whole = html('tr', {role: 'row', id, hidden: ''},
    html('td', {role: 'cell', colspan: '7'},
      html('pre', {}, JSON.stringify(entry, null, 2))));
  more.addEventListener('click', () => {
    whole.hidden = !whole.hidden;
    more.setAttribute('aria-expanded', String(!whole.hidden));
  });
  return rowGroup(html('tr', {role: 'row'},
    cell('Received', timeNode(new Date(entry.ts).toISOString())),
    cell('Event', entry.eventName ? filterNode('event', entry.eventName, ask)
      : `${entry.action ?? ''} ${entry.outcome ?? ''}`, 'mono'),
    cell('Category', filterNode('category', entry.logCategory, ask)),
    cell('Client', filterNode('client', entry.clientId, ask), 'mono'),
    cell('Session', filterNode('session', entry.sessionId, ask), 'mono'),
    cell('About', String(entry.productId ?? entry.urlPath ?? entry.key ?? ''),
      'mono'),
    cell('Whole', more)), whole);
}

function showEntries(table, told, ask) {
  setText(byId('entries-told'), `${told.entries.length} shown, of ` +
    `${count(told.looked)} looked at` + (told.whole ? ', which are all.'
    : told.oldest ? `, back to ${moment(new Date(told.oldest))}.` : '.'));
  if (!told.entries.length) {
    syncBodies(table, ['none'], (key) => key,
      () => emptyGroup(7, 'None of them.'));
    return;
  }
  syncBodies(table, told.entries, (one) => one.eventId,
    (one) => entryGroup(one, ask));
}
