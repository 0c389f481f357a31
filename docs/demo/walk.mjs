// Walks through the shop in a real browser, as a guest, as a customer and as
// staff, and writes down each event that the browser sent.
//
//     node walk.mjs SHOP OUTPUT SCRATCH [OPS]
//
// SHOP and OPS are addresses, the shop's and the ops page's; OUTPUT is the
// file for what was sent; the browser keeps its things in SCRATCH.  $CHROMIUM
// names the browser; $CLICKSPOOL_SCREENSHOTS a folder for pictures;
// $CLICKSPOOL_AXE a script of axe-core, which then judges whatever is pictured.
import { deepStrictEqual, ok } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';

const [shop, output, scratch, ops] = process.argv.slice(2);
const shots = process.env.CLICKSPOOL_SCREENSHOTS;
const DESKTOP = { width: 1280, height: 900 };
// Only the width: to become a phone, puppeteer would load the page once more.
const PHONE = { width: 390, height: 844 };
const UPLOAD_RATE = 384 * 1024; // bytes a second, so that there is progress to see

const config = await (await fetch(`${shop}/config.json`)).json();
const [customer, staff] = config.accounts;

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  // Only this shop is opened, and containers have no sandbox to offer.
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--hide-scrollbars'],
  userDataDir: join(scratch, 'chromium'),
});
const page = await browser.newPage();
await page.setViewport(DESKTOP);

/** What the page sent to ingest, each with its answer once it has come. */
const posts = [];
const complaints = [];
page.on('request', (request) => {
  if (request.url() !== config.endpoint || request.method() !== 'POST') return;
  const token = request.headers().authorization?.split('.')[1];
  const claims = token && JSON.parse(Buffer.from(token, 'base64url'));
  posts.push({ request, sent: JSON.parse(request.postData()), user: claims?.sub ?? null });
});
page.on('response', async (response) => {
  const post = posts.find(({ request }) => request === response.request());
  if (post) post.answer = { status: response.status(), ...(await response.json()) };
});
page.on('pageerror', (error) => complaints.push(error.message));
page.on('console', (message) => {
  if (['error', 'warn'].includes(message.type())) complaints.push(message.text());
});

const axe = process.env.CLICKSPOOL_AXE && readFileSync(process.env.CLICKSPOOL_AXE, 'utf8');

const shot = async (name) =>
  shots && (await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true }));
const judge = async (name) => {
  if (!axe) return;
  await page.evaluate(`${axe}; 0`);
  const { violations } = await page.evaluate('axe.run()');
  const told = violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
  deepStrictEqual(told, [], `${name} is hard to use for some`);
};
const shotBoth = async (name) => {
  await shot(`${name}-desktop`);
  await judge(name);
  await page.setViewport(PHONE);
  const fits = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  ok(fits, `${name} is wider than a phone`);
  await shot(`${name}-phone`);
  await page.setViewport(DESKTOP);
};
const click = (selector) => page.locator(selector).setTimeout(20_000).click();
const see = (words) => page.waitForSelector(`::-p-text(${words})`, { timeout: 20_000 });

/** What should have been sent: [eventName, path or product or order, user]. */
const expected = [];
const expect = (...event) => expected.push(event);
const settled = async () => {
  const deadline = Date.now() + 20_000;
  while (posts.length < expected.length || posts.some(({ answer }) => !answer)) {
    ok(Date.now() < deadline, `of ${expected.length} events ${posts.length} were sent`);
    await new Promise((done) => setTimeout(done, 50));
  }
};

const view = async (productId, quantity, who) => {
  await click(`a[href="/product/${productId}"]`);
  await page.waitForFunction(() => document.activeElement.tagName === 'MAIN');
  expect('page_view', `/product/${productId}`, who);
  expect('product_view', productId, who);
  if (quantity > 1) await page.select('.buy select', `${quantity}`);
  await click('.buy .main');
  expect('add_to_cart', productId, who);
  await see('To the cart');
};

const buy = async (who) => {
  await click('.cart-link');
  expect('page_view', '/cart', who);
  await see('Go to checkout');
  await shotBoth(`cart-${who}`);
  await click('.cart .main');
  expect('page_view', '/checkout', who);
  expect('checkout_start', null, who);
  await page.locator('[name=name]').fill('Ada Marsh');
  await page.locator('[name=email]').fill('ada@shop.example');
  await page.locator('[name=address]').fill('1 Quay, Saltmarsh');
  await shotBoth(`checkout-${who}`);
  await click('form .main');
  await see('Thank you');
  const orderId = page.url().split('/').pop();
  expect('page_view', `/thanks/${orderId}`, who);
  expect('checkout_complete', orderId, who);
};

const signIn = async ({ email, password }, who) => {
  await click('a[href="/sign-in"]');
  expect('page_view', '/sign-in', 'guest');
  await page.locator('[name=email]').fill(email);
  await page.locator('[name=password]').fill(password);
  await shotBoth(`sign-in-${who}`);
  await click('form .main');
  await see(`Signed in as ${email}`);
  expect('page_view', '/', who);
};

const signOut = async () => {
  await click('nav .plain');
  await see('You are here as a guest');
  expect('page_view', '/', 'guest');
};

/** A photograph, of a sort: a sea that does not compress. */
const photograph = async (path) => {
  const studio = await browser.newPage();
  await studio.setViewport({ width: 900, height: 900 });
  await studio.setContent(`<body style="margin:0"><svg width="900" height="900">
    <filter id="sea">
      <feTurbulence type="fractalNoise" baseFrequency=".012 .09" numOctaves="4" seed="7"/>
      <feColorMatrix values=".3 .2 0 0 .2  .2 .3 0 0 .33  .1 .3 0 0 .36  0 0 0 0 1"/>
    </filter>
    <linearGradient id="sky" y2="1" x2="0">
      <stop stop-color="#f6d9a8"/><stop offset="1" stop-color="#e79a6b"/>
    </linearGradient>
    <rect width="900" height="900" fill="url(#sky)"/>
    <circle cx="620" cy="330" r="110" fill="#fff3d6"/>
    <rect y="420" width="900" height="480" filter="url(#sea)"/></svg></body>`);
  await studio.screenshot({ path });
  await studio.close();
  return path;
};

const upload = async (productId) => {
  const path = await photograph(join(scratch, 'photograph.png'));
  await page.bringToFront();
  await click('a[href="/admin"]');
  expect('page_view', '/admin', 'staff');
  await page.locator('main select').setTimeout(20_000).wait();
  await page.select('main select', productId);
  await (await page.$('[type=file]')).uploadFile(path);
  await settled();
  await page.evaluate(() => {
    window.seen = new Set();
    const look = () => {
      const bar = document.querySelector('progress');
      if (bar) window.seen.add(bar.position);
    };
    const options = { subtree: true, childList: true, attributes: true };
    new MutationObserver(look).observe(document.body, options);
  });
  const slow = { download: -1, upload: UPLOAD_RATE, latency: 0 };
  await page.emulateNetworkConditions(slow);
  const completed = page.waitForResponse(
    (response) => response.url() === config.completeUrl && response.request().method() === 'POST',
  );
  completed.catch(() => {}); // told where it is waited for
  await click('form .main');
  await page.waitForFunction(() => document.querySelector('progress')?.position > 0.1);
  await shotBoth('upload');
  const answer = await completed;
  await page.emulateNetworkConditions(null);
  await page.waitForSelector('dl', { timeout: 20_000 });
  const told = await answer.json();
  const steps = await page.evaluate(() => [...window.seen].sort());
  ok(steps.some((part) => part > 0 && part < 1), `no progress was shown: ${steps}`);
  await shotBoth('uploaded');
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
  const given = { alt: 'Straw hat', fileName: 'photograph.png' };
  const shown = await page.$$eval('dd', (all) => all.map((one) => one.textContent));
  for (const text of [told.key, ...Object.values(given)])
    ok(shown.includes(text), `${text} is not shown with the picture`);
  return { ...told, given, sha256 };
};

try {
  await page.goto(shop);
  expect('page_view', '/', 'guest');
  await see('Linen shirt');
  await shotBoth('browse');
  await view('linen-shirt', 1, 'guest');
  await shotBoth('product');
  await buy('guest');
  await shotBoth('thanks');
  await settled();
  // The same page again is a view, and no second sale.
  await page.reload();
  await see('Thank you');
  expect('page_view', new URL(page.url()).pathname, 'guest');
  await settled();

  await signIn(customer, 'customer');
  await view('canvas-shoes', 2, 'customer');
  await click('.back');
  expect('page_view', '/', 'customer');
  await view('stone-vase', 1, 'customer');
  await buy('customer');
  await signOut();

  await signIn(staff, 'staff');
  const image = await upload('straw-hat');
  await click('.brand');
  expect('page_view', '/', 'staff');
  await page.waitForFunction(() => document.querySelector('.card img')?.naturalWidth > 0);
  await shotBoth('browse-with-picture');
  await settled();

  const subjects = new Map([[null, 'guest']]);
  for (const { user } of posts)
    if (!subjects.has(user)) subjects.set(user, subjects.size < 2 ? 'customer' : 'staff');
  const got = posts.map(({ sent, user }) => [
    sent.eventName,
    sent.orderId ?? sent.productId ?? (sent.eventName === 'page_view' ? sent.urlPath : null),
    subjects.get(user),
  ]);
  // A request may overtake another.
  const inOrder = (events) => events.map((event) => event.join(' ')).sort();
  deepStrictEqual(inOrder(got), inOrder(expected));
  for (const { answer, user } of posts) {
    deepStrictEqual([answer.status, answer.accepted], [202, 1]);
    deepStrictEqual(answer.identity, user ? 'cognito' : 'client');
  }
  deepStrictEqual(complaints, []);

  if (ops && shots) {
    await page.goto(ops);
    await page.waitForFunction(() => document.querySelectorAll('#entries tbody').length > 3);
    await shotBoth('ops');
  }
  const events = posts.map(({ sent, user }) => ({ sent, user }));
  const taken = posts.flatMap(({ answer }) => answer.eventIds);
  // A token is told of once; the shop's API tells of two orders and a picture.
  const others = { 'auth token': 2, 'upload presign': 1, 'upload complete': 1, 'crud create': 3 };
  writeFileSync(output, JSON.stringify({ taken, events, image, others }));
  const as = (who) => expected.filter((event) => event[2] === who).length;
  const [guest, buyer, clerk] = ['guest', 'customer', 'staff'].map(as);
  console.log(`    ${guest} events as a guest, ${buyer} as a customer, ${clerk} as staff`);
  console.log(`    one picture, ${Math.round(image.size / 1024)} KiB: ${image.key}`);
} catch (error) {
  await shot('failed').catch(() => {});
  console.error(`At ${page.url()}:`, error, complaints);
  process.exitCode = 1;
} finally {
  await browser.close();
}
