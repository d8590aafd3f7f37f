// Chromium's WebSocket, in an empty page of an allowed origin.
import { readFile } from 'node:fs/promises';
import { check, control, done, token, url } from './lib.mjs';
import { browse, serve } from './browser.mjs';

const socket = await readFile(new URL('./socket.mjs', import.meta.url));
const site = await serve({ '/': ['text/html', '<!doctype html><title>empty</title>'], '/socket.mjs': ['text/javascript', socket] });
const browser = await browse();
const page = await browser.newPage();
await page.exposeFunction('control', control);
await page.goto(site.url);
const names = await page.evaluate(async ([base, key]) => {
  const { socketChecks } = await import('/socket.mjs');
  window.checks = new Map(socketChecks(WebSocket, base, key, (command) => window.control(command)));
  return [...window.checks.keys()];
}, [url, token]);
for (const name of names) {
  await check(name, () => page.evaluate((n) => window.checks.get(n)(), name));
}
await browser.close();
site.close();
done();
