'use strict';

/* Numbers, sizes, times: what people read.  Nothing here touches the page. */

const NONE = '–';

const plain = new Intl.NumberFormat('en');

function count(number) {
  return plain.format(number);
}

/* Three digits are enough for a figure that moves. */
function rough(number) {
  if (number >= 100) return plain.format(Math.round(number));
  return String(Number(number.toPrecision(3)));
}

function bytes(number) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (number >= 1024 && unit < units.length - 1) {
    number /= 1024;
    unit++;
  }
  return `${unit ? rough(number) : number} ${units[unit]}`;
}

function span(seconds) {
  if (seconds < 0) seconds = 0;
  if (seconds < 10) return `${rough(Math.round(seconds * 10) / 10)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

function latency(us) {
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${rough(us / 1000)} ms`;
  return `${rough(us / 1e6)} s`;
}

function money(dollars) {
  if (dollars > 0 && dollars < 0.01) return '< $0.01';
  return `$${dollars.toFixed(2)}`;
}

function share(part, whole) {
  return whole ? `${rough((100 * part) / whole)} %` : NONE;
}

function clock(date) {
  const two = (number) => String(number).padStart(2, '0');
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map(two).join(':');
}

/* With the day where it is another one than today. */
function moment(date) {
  const same = date.toDateString() === new Date().toDateString();
  const month = String(date.getMonth() + 1).padStart(2, '0');
  const day = String(date.getDate()).padStart(2, '0');
  return same ? clock(date) : `${month}-${day} ${clock(date)}`;
}

/* 0 and up to five steps of 1, 2 or 5 times a power of ten. */
function ticks(most) {
  if (!(most > 0)) return [0, 1];
  const power = 10 ** Math.floor(Math.log10(most / 4));
  const step = [1, 2, 5, 10].find((n) => n * power * 4 >= most) * power;
  const out = [];
  for (let n = 0; n < most + step; n += step)
    out.push(Number(n.toPrecision(12)));
  return out;
}
