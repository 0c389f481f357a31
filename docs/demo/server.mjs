// Serves the shop that Vite built, and its API, as a stand-in for whatever a
// shop has for these; another origin than ingest's.
//
//     node server.mjs DIST SETTINGS [PORT]
//
// listens on 127.0.0.1, on PORT (5173) or the next free one.  SETTINGS is a
// file that is read when it is first needed, so it may come later.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { makeApi } from './api.mjs';

const [dist, settingsFile, first = '5173'] = process.argv.slice(2);
const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

let settings, api;
const ready = async () => {
  settings ??= JSON.parse(await readFile(settingsFile, 'utf8'));
  api ??= makeApi(settings);
};

/** What a page of this shop may load, and whom it may ask. */
const policy = () => {
  const { endpoint, cognito } = settings.page;
  const ingest = new URL(endpoint).origin;
  const bucket = new URL(settings.imageBase).origin;
  return [
    `default-src 'self'`,
    `connect-src 'self' ${ingest} ${bucket} ${new URL(cognito.url).origin}`,
    `img-src 'self' ${bucket}`,
    `object-src 'none'; base-uri 'none'; frame-ancestors 'none'`,
  ].join('; ');
};

const send = (response, status, type, body, headers = {}) =>
  response
    .writeHead(status, { 'Content-Type': type, 'X-Content-Type-Options': 'nosniff', ...headers })
    .end(body);

const sendFile = async (path, response) => {
  // A name with an extension is a file; any other is a page of the shop.
  const name = extname(path) ? normalize(path) : '/index.html';
  const type = TYPES[extname(name)];
  const body = type && (await readFile(join(dist, name)).catch(() => null));
  if (!body) return send(response, 404, 'text/plain', 'Not found\n');
  const hashed = name.startsWith('/assets/');
  send(response, 200, type, body, {
    'Cache-Control': hashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    'Content-Security-Policy': policy(),
  });
};

const answer = async (request, response) => {
  const { pathname } = new URL(request.url, 'http://shop');
  try {
    await ready();
  } catch {
    return send(response, 503, 'text/plain', 'Not open yet\n');
  }
  if (pathname.startsWith('/api/')) return api(request, response, pathname);
  if (request.method !== 'GET') return send(response, 405, 'text/plain', '', { Allow: 'GET' });
  if (pathname === '/config.json')
    return send(response, 200, 'application/json', JSON.stringify(settings.page));
  return sendFile(pathname, response);
};

const server = createServer((request, response) =>
  answer(request, response).catch((error) => {
    console.error(error);
    if (response.headersSent) response.destroy();
    else send(response, 500, 'text/plain', 'That went wrong\n');
  }),
);

let port = +first;
server.on('error', (error) => {
  if (error.code !== 'EADDRINUSE' || port > +first + 200) throw error;
  server.listen(++port, '127.0.0.1');
});
server.on('listening', () => console.log(`listening on 127.0.0.1:${port}`));
server.listen(port, '127.0.0.1');
