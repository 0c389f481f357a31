// A browser on a string: reads one command a line, as JSON, and writes one
// answer a line.  Which page a command means, it says by the number that
// `open` gave.
//
//     node driver.mjs chromium|firefox EXECUTABLE
//
//     {"do": "open", "session": "a"}           {"value": 1}
//     {"do": "goto", "page": 1, "url": "…"}    {"value": null}
//     {"do": "goto", "page": 9, "url": "…"}    {"error": "…"}
import { createInterface } from 'node:readline';
import puppeteer from 'puppeteer-core';

const [name, executablePath] = process.argv.slice(2);
const browser = await puppeteer.launch({
  browser: name === 'firefox' ? 'firefox' : 'chrome',
  executablePath,
  acceptInsecureCerts: true,
  args: name === 'firefox' ? [] : ['--no-sandbox', '--disable-dev-shm-usage'],
});

const sessions = new Map(); // by name: each with storage of its own
const pages = [];
const consoles = [];

const commands = {
  async open({ session }) {
    if (!sessions.has(session)) sessions.set(session, await browser.createBrowserContext());
    const page = await sessions.get(session).newPage();
    const said = [];
    page.on('console', (message) => said.push({ type: message.type(), text: message.text() }));
    page.on('pageerror', (error) => said.push({ type: 'error', text: String(error) }));
    consoles.push(said);
    return pages.push(page) - 1;
  },
  goto: async ({ page, url }) => void (await pages[page].goto(url)),
  // What is running is not waited for, and may end with its page.
  leave: async ({ page, code }) => void pages[page].evaluate(code).catch(() => {}),
  reload: async ({ page }) => void (await pages[page].reload()),
  back: async ({ page }) => void (await pages[page].goBack()),
  close: async ({ page }) => pages[page].isClosed() || void (await pages[page].close()),
  evaluate: async ({ page, code }) => (await pages[page].evaluate(code)) ?? null,
  initially: async ({ page, code }) =>
    void (await pages[page].evaluateOnNewDocument(new Function(code))),
  slow: async ({ page, times }) => void (await pages[page].emulateCPUThrottling(times)),
  console: async ({ page }) => consoles[page],
  version: () => browser.version(),
};

const limit = (promise) =>
  Promise.race([
    promise,
    new Promise((_, late) => setTimeout(late, 20000, new Error('no answer in 20 s')).unref()),
  ]);

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await limit(commands[command.do](command))) ?? null };
  } catch (error) {
    answer = { error: `${command.do}: ${error.message}` };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
await browser.close();
