/* Lines over time, with a text for who cannot see them and a table of the
 * same figures. */

const MARGIN = {left: 56, right: 8, top: 8, bottom: 20};
let chartCount = 0;

/*
 * @options: title; series, each with name and kind (`one`, `two`); stepSeconds;
 * places, how many values a row holds when it is full; format; marks, the
 * labels of the time axis as [seconds ago, text]; area, whether the first is
 * filled.
 */
function makeChart(parent, options) {
  const id = `chart-${++chartCount}`;
  const title = svg('title', {id: `${id}-title`}, options.title);
  const desc = svg('desc', {id: `${id}-desc`});
  const plot = svg('g');
  const cross = svg('line', {class: 'cross', visibility: 'hidden'});
  const canvas = svg('svg', {role: 'img',
    'aria-labelledby': `${id}-title`, 'aria-describedby': `${id}-desc`}, title, desc, plot, cross);
  const readout = html('span', {class: 'readout', 'aria-hidden': 'true'});
  const legend = options.series.map((one) => html('span', {},
    svg('svg', {viewBox: '0 0 24 12', 'aria-hidden': 'true'},
      svg('path', {class: `stroke ${one.kind}`, d: 'M2 6H22'})),
    ` ${one.name}`));
  const {box, table} = makeTable(options.title,
    [['Time'], ...options.series.map((one) => [one.name, 'number'])]);
  const more = html('details', {}, html('summary', {}, 'As a table',
    html('span', {class: 'hidden'}, `: ${options.title}`)), box);
  const chart = {options, canvas, desc, plot, cross, readout, table, more,
    rows: options.series.map(() => [])};

  parent.replaceChildren(html('figure', {}, canvas,
    html('figcaption', {}, ...legend, readout)), more);
  canvas.addEventListener('pointermove', (event) => pointAt(chart, event));
  canvas.addEventListener('pointerleave', () => pointAt(chart, null));
  more.addEventListener('toggle', () => fillTable(chart));
  new ResizeObserver(() => drawChart(chart)).observe(canvas);
  return chart;
}

/* @rows: values of each series, the last of them of now; null where there is
 * none.  @told: one sentence about them. */
function showChart(chart, rows, told) {
  chart.rows = rows;
  chart.now = Date.now();
  setText(chart.desc, told);
  drawChart(chart);
  if (chart.more.open && !chart.more.matches(':focus-within')) fillTable(chart);
}

function placeOf(chart, index) {
  const {places} = chart.options;
  const width = chart.canvas.clientWidth - MARGIN.left - MARGIN.right;
  const back = chart.rows[0].length - 1 - index;
  return MARGIN.left + width * (1 - back / (places - 1));
}

/* Gaps stay gaps; a value alone is a dot. */
function linePaths(points) {
  const paths = {line: '', dots: ''};
  points.forEach(([x, y], i) => {
    if (y === null) return;
    const place = `${x.toFixed(1)} ${y.toFixed(1)}`;
    const before = (points[i - 1]?.[1] ?? null) !== null;
    const after = (points[i + 1]?.[1] ?? null) !== null;
    if (before || after) paths.line += `${before ? 'L' : 'M'}${place}`;
    else paths.dots += `M${place}h0.01`;
  });
  return paths;
}

function drawAxes(chart, steps, yOf, height) {
  const {format, marks, stepSeconds, places} = chart.options;
  const right = chart.canvas.clientWidth - MARGIN.right;
  const out = [];
  for (const value of steps) {
    const y = yOf(value);
    out.push(svg('line', {class: 'grid', x1: MARGIN.left, x2: right, y1: y,
      y2: y}));
    out.push(svg('text', {x: MARGIN.left - 6, y: y + 4,
      'text-anchor': 'end'}, format(value)));
  }
  for (const [ago, text] of marks) {
    const part = 1 - ago / (stepSeconds * (places - 1));
    out.push(svg('text', {x: MARGIN.left + part * (right - MARGIN.left),
      y: height - 5, 'text-anchor': ago ? (part > 0.02 ? 'middle' : 'start')
        : 'end'}, text));
  }
  return out;
}

function drawChart(chart) {
  const {series, area} = chart.options;
  const height = chart.canvas.clientHeight;
  const bottom = height - MARGIN.bottom;
  const most = Math.max(0, ...chart.rows.flat());
  const steps = ticks(most);
  const top = steps.at(-1);
  const yOf = (value) => bottom - (value / top) * (bottom - MARGIN.top);
  if (!chart.canvas.clientWidth) return;

  if (chart.rows.every((row) => row.every((value) => value === null))) {
    chart.plot.replaceChildren(svg('text', {x: '50%', y: '50%',
      'text-anchor': 'middle'}, 'None yet: the first come after ten seconds'));
    return;
  }
  const out = drawAxes(chart, steps, yOf, height);
  chart.rows.forEach((row, i) => {
    const points = row.map((value, index) =>
      [placeOf(chart, index), value === null ? null : yOf(value)]);
    const {line, dots} = linePaths(points);
    if (area && !i && line)
      out.push(svg('path', {class: 'area', d: `${line}V${bottom}` +
        `H${points[0][0].toFixed(1)}Z`}));
    out.push(svg('path', {class: `stroke ${series[i].kind}`, d: line}),
      svg('path', {class: `stroke dots ${series[i].kind}`, d: dots}));
  });
  chart.plot.replaceChildren(...out);
}

function timeAt(chart, index) {
  const back = chart.rows[0].length - 1 - index;
  return new Date(chart.now - back * chart.options.stepSeconds * 1000);
}

function pointAt(chart, event) {
  const last = chart.rows[0].length - 1;
  const {series, places, format} = chart.options;
  if (!event || last < 0) {
    chart.cross.setAttribute('visibility', 'hidden');
    setText(chart.readout, '');
    return;
  }
  const width = chart.canvas.clientWidth - MARGIN.left - MARGIN.right;
  const part = (event.offsetX - MARGIN.left) / width;
  const back = Math.round((1 - part) * (places - 1));
  const index = Math.min(last, Math.max(0, last - back));
  const x = placeOf(chart, index);
  fill(chart.cross, {x1: x, x2: x, y1: MARGIN.top,
    y2: chart.canvas.clientHeight - MARGIN.bottom, visibility: 'visible'}, []);
  setText(chart.readout, [clock(timeAt(chart, index)), ...series.map((one, i) =>
    `${one.name} ${chart.rows[i][index] === null ? NONE
      : format(chart.rows[i][index])}`)].join('  '));
}

/* The newest forty that have a value. */
function fillTable(chart) {
  const {format} = chart.options;
  const rows = [];
  for (let i = chart.rows[0].length - 1; i >= 0 && rows.length < 40; i--) {
    const values = chart.rows.map((row) => row[i]);
    if (values.every((value) => value === null)) continue;
    rows.push(html('tr', {role: 'row'},
      html('th', {role: 'rowheader', scope: 'row'}, clock(timeAt(chart, i))),
      ...values.map((value) => html('td', {role: 'cell', class: 'number'},
        value === null ? NONE : format(value)))));
  }
  setRows(chart.table, rows);
}
