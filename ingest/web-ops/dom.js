/* Elements.  Text goes in as text and nothing else does: whatever a client has
 * sent stays what it is. */

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes))
    node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/* Children are nodes and strings. */
function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function byId(id) {
  return document.getElementById(id);
}

/* Only what differs is touched, so that nothing is read out twice. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function timeNode(text) {
  const date = new Date(text);
  return html('time', {datetime: text, title: text}, moment(date));
}

/* A list of terms; rows are [term, string or node, further attributes]. */
function showFacts(list, rows) {
  list.replaceChildren(...rows.flatMap(([term, told, attributes]) =>
    [html('dt', {}, term), html('dd', attributes ?? {}, told)]));
}

/* A table in a box that, where it @scrolls, does so by keyboard too.  On a
 * phone the rows of a `list` are shown as blocks, which would take the roles
 * away were they not said. */
function makeTable(caption, heads, kind = '', scrolls = true) {
  const row = html('tr', {role: 'row'}, ...heads.map(([text, name]) =>
    text ? html('th', {role: 'columnheader', scope: 'col', class: name ?? ''},
      text) : html('td', {role: 'cell', class: name ?? ''})));
  const table = html('table', {role: 'table', class: kind},
    html('caption', {}, caption),
    html('thead', {role: 'rowgroup'}, row));
  const box = html('div', scrolls ? {class: 'scroll', tabindex: '0',
    role: 'region', 'aria-label': caption} : {}, table);
  return {box, table};
}

/* One body of rows in place of the table's others. */
function setRows(table, rows) {
  const body = html('tbody', {role: 'rowgroup'}, ...rows);
  for (const old of [...table.tBodies]) old.remove();
  table.append(body);
}

/*
 * A body for each item, kept over updates: what is open stays open, and the
 * focus stays where it is.
 */
function syncBodies(table, items, keyOf, make, update) {
  const old = new Map([...table.tBodies].map((body) =>
    [body.dataset.key, body]));
  let before = table.tHead;
  for (const item of items) {
    const key = String(keyOf(item));
    let body = old.get(key);
    old.delete(key);
    if (!body) {
      body = make(item);
      body.dataset.key = key;
    } else if (update) {
      update(body, item);
    }
    if (before.nextSibling !== body) before.after(body);
    before = body;
  }
  for (const body of old.values()) body.remove();
}

function bar(part, most, kind) {
  const width = most ? Math.max((100 * part) / most, part ? 0.5 : 0) : 0;
  return svg('svg', {class: `bar ${kind ?? ''}`, 'aria-hidden': 'true'},
    svg('rect', {width: `${width}%`, height: '100%', rx: '2'}));
}
