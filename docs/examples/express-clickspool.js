'use strict';
// Express middleware: an entry of clickspool for each login and each change.
//
//     app.use(require('./express-clickspool')({ user: (req) => req.user?.id }));
//
// It answers nothing, waits for nothing and throws nothing: entries gather in
// memory (at most 1000) and go to ingest's Unix socket, again and again until
// they are on its disk; their eventIds keep each of them once.
const http = require('http');
const { randomUUID } = require('crypto');

const VERBS = { POST: 'create', PUT: 'update', PATCH: 'update', DELETE: 'delete' };
const AUTH = /\/(login|logout|register|password)\b/;

module.exports = function clickspool(options = {}) {
  const socketPath = options.socket ?? '/run/clickspool/log.sock';
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  let queue = [], sending = false;

  function again(ms) {
    sending = false;
    if (queue.length) setTimeout(send, ms).unref();
  }

  function send() {
    if (sending || !queue.length) return;
    sending = true;
    const batch = queue.slice(0, 100);
    const headers = { 'Content-Type': 'application/json', Host: 'localhost' };
    const request = { socketPath, agent, headers, method: 'POST', path: '/logs', timeout: 5000 };
    const post = http.request(request, (answer) => {
      answer.resume();
      // 202 or 400: told. Anything else is a state that passes.
      const told = answer.statusCode === 202 || answer.statusCode === 400;
      if (told) queue = queue.slice(batch.length);
      answer.on('end', () => again(told ? 0 : 1000));
    });
    post.on('timeout', () => post.destroy());
    post.on('error', () => again(1000));
    post.end(JSON.stringify(batch));
  }

  return function (req, res, next) {
    const began = process.hrtime.bigint();
    const path = req.originalUrl.split('?')[0];
    const auth = AUTH.exec(path)?.[1], action = auth ?? VERBS[req.method];
    const requestId = req.get('x-request-id') ?? randomUUID();
    if (action) res.on('finish', () => {
      if (queue.length === 1000) return;
      queue.push({
        eventId: randomUUID(), logCategory: auth ? 'auth' : 'crud', action,
        outcome: res.statusCode < 400 ? 'success' : 'failure',
        userId: options.user?.(req), path, method: req.method, statusCode: res.statusCode,
        latencyMs: Number(process.hrtime.bigint() - began) / 1e6, requestId,
      });
      setImmediate(send);
    });
    next();
  };
};
