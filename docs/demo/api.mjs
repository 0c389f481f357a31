// The shop's API: products, orders, pictures.  What it does is told to ingest
// by the middleware that a shop with Express takes.
import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { makeVerifier } from './token.mjs';

const BODY_MAX = 16 * 1024;
const clickspool = createRequire(import.meta.url)('../examples/express-clickspool.js');
const KEY = /^products\/([\w-]+)\/[\w-]+\.\w+$/; // as ingest makes them
const catalogue = JSON.parse(readFileSync(new URL('products.json', import.meta.url)));

class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

const isStaff = (user) => {
  const groups = user?.['cognito:groups'];
  return Array.isArray(groups) && groups.includes('admin');
};

const readJson = async (request) => {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > BODY_MAX) throw new Refusal(413, 'too much');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'no JSON');
  }
};

export const makeApi = (settings) => {
  const verify = makeVerifier(settings);
  const note = clickspool({ socket: settings.logSocket, user: (request) => request.user?.sub });
  const products = new Map(catalogue.map((product) => [product.productId, product]));

  const order = ({ items }) => {
    let cents = 0;
    if (!Array.isArray(items) || !items.length) throw new Refusal(400, 'no items');
    for (const { productId, quantity } of items) {
      const product = products.get(productId);
      if (!product || !(Number.isInteger(quantity) && quantity > 0))
        throw new Refusal(400, 'no such item');
      cents += Math.round((product.discountPrice ?? product.price) * 100) * quantity;
    }
    return { orderId: randomUUID(), value: cents / 100, currency: 'EUR' };
  };

  /** The key came from ingest by way of the page, so it is looked at. */
  const setImage = (user, productId, { key }) => {
    const product = products.get(productId);
    if (!isStaff(user)) throw new Refusal(403, 'not yours to change');
    if (!product) throw new Refusal(404, 'no such product');
    const [, id] = (typeof key === 'string' && KEY.exec(key)) || [];
    if (id !== productId) throw new Refusal(400, 'no such key');
    products.set(productId, { ...product, image: `${settings.imageBase}/${key}` });
    return products.get(productId);
  };

  const act = async (request, path) => {
    const [, , what, id, part] = path.split('/');
    if (request.method === 'GET' && path === '/api/products') return [...products.values()];
    if (request.method !== 'POST') throw new Refusal(404, 'no such thing');
    request.user = await verify(request.headers.authorization);
    const body = (await readJson(request)) ?? {};
    if (path === '/api/orders') return order(body);
    if (what === 'products' && part === 'image') return setImage(request.user, id, body);
    throw new Refusal(404, 'no such thing');
  };

  return async (request, response, path) => {
    // The middleware knows Express's requests.
    request.originalUrl = request.url;
    request.get = (name) => request.headers[name];
    note(request, response, () => {});

    const told = await act(request, path).then(
      (content) => ({ status: request.method === 'POST' ? 201 : 200, content }),
      (error) => {
        if (!error.status) throw error;
        return { status: error.status, content: { detail: error.message } };
      },
    );
    response
      .writeHead(told.status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
      .end(JSON.stringify(told.content));
  };
};
