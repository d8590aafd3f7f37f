// useChat of the AI SDK in Chromium: the page of examples/react, as its development server
// serves it.
import assert from 'node:assert/strict';
import { createServer } from 'vite';
import { browse } from './browser.mjs';
import { check, control, done, lastCall } from './lib.mjs';

const [host, port] = process.env.PAGE_ADDRESS.split(':');
const vite = await createServer({
  root: process.env.EXAMPLE, server: { host, port: Number(port), strictPort: true }, logLevel: 'error', cacheDir: process.env.EXAMPLE + '/.vite',
});
await vite.listen();
const browser = await browse();

// open shows a new chat, and returns its page with what the checks do there.
async function open() {
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  const errors = [];
  page.on('pageerror', (e) => errors.push(String(e)));
  await page.goto(`http://${host}:${port}/`);
  await page.getByLabel('Message').waitFor();
  return {
    page, errors,
    send: async (text) => {
      await page.getByLabel('Message').fill(text);
      await page.getByRole('button', { name: 'Send' }).click();
    },
    // answer waits until the last answer is as wanted.
    answer: async (want) => {
      const last = page.locator('article.assistant').last().locator('.text');
      await until(async () => ((await last.count()) ? (await last.allTextContents()).join('') : ''), want);
    },
    status: (want) => until(() => page.getByRole('status').textContent(), want),
    answers: () => page.locator('article.assistant').count(),
    async close() {
      await page.close();
      assert.deepEqual(errors, []);
    },
  };
}

// until polls until get returns what is wanted: a page has no event for it.
async function until(get, want) {
  let got;
  for (const start = Date.now(); Date.now() - start < 30_000;) {
    got = await get();
    if (want instanceof RegExp ? want.test(got) : got === want) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${JSON.stringify(got)}, want ${want}`);
}

const calls = async () => (await control('calls')).length;

await check('send, and send again', async () => {
  const p = await open();
  await p.send('lie: chunks=5 reasoning=2');
  await p.status('ready');
  await p.answer((await lastCall()).sent);
  await p.send('lie: chunks=3');
  await until(p.answers, 2);
  await p.status('ready');
  await p.answer((await lastCall()).sent);
  assert.equal((await lastCall()).messages, 3);
  await p.page.reload();
  await until(p.answers, 2);
  await p.answer((await lastCall()).sent);
  await p.close();
});

await check('reload in mid-answer, and resume', async () => {
  const p = await open();
  await p.send('lie: chunks=20 gate');
  await control('step?n=10');
  await p.answer(/t9 $/);
  await p.page.reload();
  await p.answer(/t9 $/);
  await p.status('streaming');
  await control('step?n=10');
  await p.status('ready');
  await p.answer((await lastCall()).sent);
  assert.equal(await p.answers(), 1);
  await p.close();
});

await check('stop', async () => {
  const p = await open();
  const before = await calls();
  await p.send('lie: chunks=20 gate');
  await control('step?n=5');
  await p.answer(/t4 $/);
  await p.page.getByRole('button', { name: 'Stop' }).click();
  await p.status('ready');
  await control(`gone?call=${before + 1}`);
  await p.answer(/t4 $/);
  await p.page.reload();
  await p.answer(/t4 $/);
  await p.status('ready');
  await p.close();
});

await check('an error', async () => {
  const p = await open();
  await p.send('lie: status=400 message=no');
  await p.status(/no/);
  await p.send('lie: chunks=2'); // the chat goes on
  await p.status('ready');
  await p.answer((await lastCall()).sent);
  await p.close();
});

await check('the provider is cut, and the answer is made again', async () => {
  const p = await open();
  const before = await calls();
  await p.send('lie: chunks=30 gate cut=15 fail=1');
  await control('step?n=15');
  await p.answer(/t14 $/);
  await until(calls, before + 2);
  await control('step?n=10');
  await control(`sent?call=${before + 2}&tokens=10`);
  await p.answer((await lastCall()).sent); // nothing of the first attempt is left
  await p.status('streaming');
  await control('step?n=20');
  await p.status('ready');
  await p.answer((await lastCall()).sent);
  assert.equal(await p.answers(), 1);
  await p.page.reload();
  await p.answer((await lastCall()).sent);
  await p.close();
});

await check('chatd is killed in mid-answer', async () => {
  const p = await open();
  const before = await calls();
  await p.send('lie: chunks=30 pace=10ms hang=15 fail=1');
  await p.answer(/t14 $/);
  await control('restart-api');
  await until(calls, before + 2);
  await until(async () => (await p.page.getByRole('status').textContent()) + (await lastCall()).end, 'readydone');
  await p.answer((await lastCall()).sent);
  assert.equal(await p.answers(), 1);
  await p.close();
});

await browser.close();
await vite.close();
done();
