// The page of chatd in Chromium. CHATD and CHAT name the programs; PICTURES is a folder for
// screenshots.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {Chatd, token} from './chatd.mjs';
import {launch, Visitor} from './page.mjs';
import {gate, startProvider, texts} from './provider.mjs';

const root = join(import.meta.dirname, '../..');
const chatd = process.env.CHATD ?? join(root, 'bin/chatd');
const chat = process.env.CHAT ?? join(root, 'bin/chat');
const hostile = JSON.parse(readFileSync(join(root, 'daemon/api/web/render/testdata/hostile.json'), 'utf8'));

let provider, server, browser;

before(async () => {
  provider = await startProvider();
  server = await Chatd.start(chatd, provider.url);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
  provider?.close();
});

const rich = readFileSync(join(import.meta.dirname, 'rich.md'), 'utf8');
Object.assign(texts, {
  sort: {reasoning: 'The question is about Go.\n\n* slices\n* sort', text: rich},
  slow: {text: 'The first half. «wait»The second half.'},
  numbers: {text: `${Array.from({length: 200}, (_, i) => `${i + 1}. number ${i + 1} of a list\n`).join('')}\n«wait»\nAnd the rest:\n\n${Array.from({length: 100}, (_, i) => `* rest ${i}\n`).join('')}`},
  wide: {text: `${'a_word_without_an_end'.repeat(20)}\n\n| ${'column | '.repeat(20)}\n|${'---|'.repeat(20)}\n| ${'x | '.repeat(20)}\n\n\`\`\`\n${'code '.repeat(60)}\n\`\`\``},
  refused: {error: 'your account is <b>empty</b>'},
  hostile: {text: hostile.join('\n\n')},
});

// eventually waits for a condition outside of the page.
const eventually = async (condition) => {
  for (let i = 0; !await condition(); i++) {
    if (i > 400) throw new Error(`never: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

// shownID returns the id of the conversation that a page shows.
const shownID = (v) => v.page.evaluate(() => location.hash.split('/')[2]);

const picture = async (visitor, name) => {
  if (process.env.PICTURES) await visitor.page.screenshot({path: join(process.env.PICTURES, `${name}.png`)});
};

test('the first visit is small and fast, and asks for the token', async () => {
  let fastest = Infinity;
  for (let i = 0; i < 10 && fastest >= 300; i++) { // other processes may be busy
    const first = await Visitor.open(browser, server.url);
    await first.page.waitForSelector('#token', {visible: true});
    fastest = Math.min(fastest, await first.page.evaluate(() => performance.getEntriesByName('ready')[0].startTime));
    await first.close();
  }
  assert.ok(fastest < 300, `interactive after ${fastest} ms`);
  const v = await Visitor.open(browser, server.url);
  await v.page.waitForSelector('#token', {visible: true});
  const bytes = await v.page.evaluate(() => ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type)).reduce((sum, entry) => sum + entry.transferSize, 0));
  assert.ok(bytes > 5000 && bytes < 60 * 1024, `${bytes} bytes`);
  assert.deepEqual(await v.check(), []);
  await v.signIn('wrong');
  await v.sees('the token is wrong');
  await v.signedIn();
  assert.equal(await v.page.evaluate(() => document.cookie), '');
  assert.deepEqual(await v.check(), []);
  await v.page.reload();
  await v.page.waitForSelector('#input', {visible: true});
  await v.until(() => performance.getEntriesByName('ready').length);
  console.log(`first load: ${bytes} bytes, interactive after ${Math.round(fastest)} ms; signed in: ${await v.page.evaluate(() => Math.round(performance.getEntriesByName('ready')[0].startTime))} ms`);
  await v.page.click('#leave');
  await v.page.waitForSelector('#token', {visible: true});
  await v.page.reload();
  await v.page.waitForSelector('#token', {visible: true});
  await v.close();
});

for (const size of ['desktop', 'phone']) {
  test(`an answer streams and is the same when it is loaded, ${size}`, async () => {
    const v = await (await Visitor.open(browser, server.url, size)).signedIn();
    await v.send('sort a list');
    await v.sees('Before the gate');
    await v.sees('Answering…');
    assert.equal(await v.page.$eval('#state', (e) => e.textContent), 'live');
    assert.deepEqual(await v.check(), []);
    if (size === 'desktop') await picture(v, 'web');
    gate.open();
    await v.finished();
    const streamed = await v.answer();
    assert.match(streamed, /<figure class="code"><figcaption><span>go<\/span>/);
    assert.match(streamed, /<span class="k">func<\/span>/);
    assert.match(streamed, /<table>/);
    assert.match(streamed, /<details class="reasoning"><summary>Thought/);
    await v.page.reload();
    await v.finished();
    assert.equal(await v.answer(), streamed);
    assert.deepEqual(await v.check(), []);
    await v.page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: 'dark'}]);
    assert.deepEqual(await v.check(), []);
    if (size === 'phone') await picture(v, 'web-phone');
    await v.send('wide');
    await v.finished();
    assert.deepEqual(await v.check(), []);
    await v.close();
  });
}

test('a daemon that is killed in mid-answer costs nothing', async () => {
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  await v.send('numbers please');
  await v.sees('number 200 of a list');
  await server.kill();
  await v.until(() => /^reconnecting in \d+ s: the daemon does not answer; chat web starts it$/.test(document.getElementById('state').textContent));
  assert.deepEqual(await v.check(), []);
  await v.page.locator('#input').fill('written meanwhile');
  await server.run();
  await v.until(() => document.getElementById('state').textContent === 'live');
  await v.sees('number 200 of a list');
  await gate.reached(); // by the next attempt
  gate.open();
  await v.sees('rest 99');
  await v.finished();
  const live = await v.answer();
  assert.equal(await v.page.$eval('#input', (e) => e.value), 'written meanwhile');
  await v.page.reload();
  await v.finished();
  assert.equal(await v.answer(), live);
  assert.equal((live.match(/<li>number \d+ of a list/g) ?? []).length, 200);
  assert.equal((live.match(/<li>rest \d+/g) ?? []).length, 100);
  assert.equal(await v.page.$eval('#input', (e) => e.value), 'written meanwhile');
  await v.close();
});

test('an API that is killed in mid-answer is resumed at the position', async () => {
  const apart = await Chatd.start(chatd, provider.url, true);
  try {
    const v = await (await Visitor.open(browser, apart.url)).signedIn();
    await v.send('numbers from a worker');
    await v.sees('number 200 of a list');
    await apart.kill();
    await v.until(() => document.getElementById('state').textContent.startsWith('reconnecting'));
    gate.open();
    await apart.run();
    await v.sees('rest 99');
    await v.finished();
    const events = await v.page.evaluate(() => window.events);
    const [first, second, ...more] = [...new Set(events.map((event) => event.url))];
    assert.deepEqual(more, []);
    assert.match(second, /\?after=1-\d+$/);
    assert.equal(second.split('=')[1], events.filter((event) => event.url === first).at(-1).id);
    assert.deepEqual(events.filter((event) => event.reset), []);
    const again = events.filter((event) => event.url === second).flatMap((event) => event.blocks ?? []).map((block) => block.html).join('');
    assert.ok(!again.includes('number 1 of') && again.includes('rest 99'), 'finished blocks are sent again');
    const live = await v.answer();
    await v.page.reload();
    await v.finished();
    assert.equal(await v.answer(), live);
    await v.close();
  } finally {
    await apart.close();
  }
});

test('a message that is sent while the daemon is away arrives once', async () => {
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  await server.kill();
  await v.page.locator('#input').fill('sent into the void');
  await v.page.click('#send');
  await v.sees('Your message will be sent as soon as the server answers.');
  await v.page.click('#input');
  await v.page.keyboard.press('End');
  await v.page.keyboard.type('typed meanwhile');
  await server.run();
  await v.sees('You said: sent into the void');
  await v.finished();
  assert.equal(await v.page.$eval('#input', (e) => e.value), 'typed meanwhile');
  const {conversations} = await server.ask('GET', '/conversations?q=void');
  assert.equal(conversations.length, 1);
  await v.close();
});

test('a reload in mid-answer goes on', async () => {
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  await v.send('slow one');
  await v.sees('The first half.');
  await v.page.reload();
  await v.sees('The first half.');
  await v.until(() => document.querySelectorAll('#tasks a').length === 1);
  gate.open();
  await v.sees('The second half.');
  await v.finished();
  await v.until(() => document.getElementById('running').hidden);
  await v.close();
});

test('stop, regenerate, siblings and edit', async () => {
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  await v.send('slow again');
  await v.sees('The first half.');
  await v.page.click('#stop');
  await v.sees('Stopped.');
  await v.finished();
  assert.match(await v.answer(), /The first half/);
  gate.open();
  await v.press('Regenerate');
  await v.sees('2/2');
  await v.sees('The first half.');
  gate.open();
  await v.sees('The second half.');
  await v.finished();
  await v.press('‹');
  await v.sees('1/2');
  await v.sees('Stopped.');
  await v.press('›');
  await v.sees('The second half.');
  await v.press('Edit');
  await v.sees('You are editing a message');
  assert.equal(await v.page.$eval('#input', (e) => e.value), 'slow again');
  await v.send('edited text');
  await v.sees('You said: edited text');
  await v.finished();
  await v.sees('2/2');
  assert.deepEqual(await v.check(), []);
  await v.close();
});

test('search finds a message and shows it', async () => {
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  await v.send('the zebra crosses the road');
  await v.finished();
  await v.page.click('#new');
  await v.page.keyboard.down('Control');
  await v.page.keyboard.press('k');
  await v.page.keyboard.up('Control');
  await v.page.keyboard.type('zebra');
  await v.until(() => document.querySelectorAll('#list a').length === 1);
  await v.page.keyboard.press('Tab');
  await v.page.keyboard.press('Enter');
  await v.until(() => document.querySelector('.found')?.innerText.includes('zebra'));
  assert.deepEqual(await v.check(), []);
  await v.page.locator('#search').fill('nowhere_to_be_found');
  await v.sees('No conversation has these words.');
  await v.close();
});

test('images are uploaded and pasted', async () => {
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  const directory = mkdtempSync(join(tmpdir(), 'webtest-'));
  const file = join(directory, 'dot.png');
  writeFileSync(file, Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64'));
  await (await v.page.$('#file')).uploadFile(file);
  await v.sees('dot.png');
  await v.page.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), {width: 60, height: 40});
    canvas.getContext('2d').fillRect(10, 10, 20, 20);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve));
    const data = new DataTransfer();
    data.items.add(new File([blob], 'pasted.png', {type: 'image/png'}));
    document.getElementById('input').dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
  });
  await v.until(() => document.querySelectorAll('#files li').length === 2 && !document.getElementById('send').disabled);
  assert.deepEqual(await v.check(), []);
  await v.send('what is this?');
  await v.until(() => [...document.querySelectorAll('.user .picture img')].filter((image) => image.naturalWidth > 0).length === 2);
  await v.finished();
  assert.deepEqual(await v.check(), []);
  writeFileSync(file, Buffer.from([0, 1, 2, 3]));
  await (await v.page.$('#file')).uploadFile(file);
  await v.sees('dot.png: ');
  rmSync(directory, {recursive: true});
  await v.close();
});

test('hostile text executes nothing', async () => {
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  await v.send('hostile streamed');
  await v.finished();
  await v.page.reload();
  await v.finished();
  const id = '01999999-9999-7999-8999-000000000000';
  const messages = hostile.flatMap((text, i) => [
    {id: id.slice(0, -4) + (2 * i + 1).toString().padStart(4, '0'), role: 'user', parts: [{type: 'text', text}]},
    {id: id.slice(0, -4) + (2 * i + 2).toString().padStart(4, '0'), role: 'assistant', state: 'done', parts: [
      {type: 'reasoning', text}, {type: 'text', text}, {type: 'tool_call', call_id: 'c', name: text.slice(0, 200), text}, {type: 'tool_result', call_id: 'c', text}]},
  ]).map((m, i, list) => ({...m, parent_id: list[i - 1]?.id, parts: m.parts.map((p) => ({...p, text: p.text.replaceAll('\0', ''), ...(p.name && {name: p.name.replaceAll('\0', '')})}))}));
  const imported = await server.ask('POST', '/conversations/import', {id, title: '<img src=x onerror=alert(1)>', messages});
  assert.equal(imported.messages, messages.length, JSON.stringify(imported));
  await v.page.goto(`${server.url}/#/c/${id}/${messages[0].id}`);
  for (let n = 40; n < messages.length; n += 40) {
    await v.until((shown) => document.querySelectorAll('.message').length === shown, n);
    await v.press('Later messages');
  }
  await v.until((n) => document.querySelectorAll('.message').length === n, messages.length);
  await v.page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
  const found = await v.page.evaluate(() => {
    const elements = new Set('P BR HR EM STRONG DEL BLOCKQUOTE UL OL LI PRE CODE SPAN A H3 H4 H5 H6 TABLE THEAD TBODY TR TH TD DIV FIGURE FIGCAPTION BUTTON DETAILS SUMMARY'.split(' '));
    const problems = [];
    for (const e of document.querySelectorAll('.parts *')) {
      if (!elements.has(e.tagName)) problems.push(e.outerHTML);
      for (const a of e.attributes) if (/^on|^style$|^src|^action|^id$|^name$/.test(a.name)) problems.push(`${a.name}=${a.value}`);
      if (e.tagName === 'A' && !(/^https?:/.test(e.protocol) && e.rel === 'nofollow noreferrer noopener' && e.target === '_blank') && !(e.protocol === 'mailto:' && e.rel === 'nofollow noreferrer')) problems.push(e.outerHTML);
    }
    return problems;
  });
  assert.deepEqual(found, []);
  await new Promise((resolve) => setTimeout(resolve, 500)); // for what would run later
  const problems = (await v.check()).filter((text) => !text.startsWith('nested-interactive'));
  assert.deepEqual(problems, []);
  await v.close();
});

test('a phone', async () => {
  const v = await (await Visitor.open(browser, server.url, 'phone')).signedIn();
  await v.send('from a phone');
  await v.sees('You said: from a phone');
  await v.finished();
  await v.page.tap('#menu');
  await v.until(() => document.getElementById('side').getBoundingClientRect().left === 0);
  assert.deepEqual(await v.check(), []);
  await v.page.tap('#new');
  await v.sees('Ask something.');
  await v.until(() => getComputedStyle(document.getElementById('side')).visibility === 'hidden');
  await v.page.setViewport({width: 320, height: 560, hasTouch: true, isMobile: true});
  assert.deepEqual(await v.check(), []);
  await v.close();
});

test('a conversation is renamed and deleted by keyboard, and the deletion undone', async () => {
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  await v.send('doomed words');
  await v.finished();
  const id = await shownID(v);
  const manage = async () => {
    await v.page.focus('#manage');
    await v.keys('Enter');
    await v.until(() => document.getElementById('managing').open);
  };
  await manage();
  assert.deepEqual(await v.check(), []);
  await v.page.keyboard.type('A better <b>name</b>'); // the old one is selected
  await v.keys('Enter');
  await v.until(() => document.getElementById('title').textContent === 'A better <b>name</b>' && document.querySelector('#list a').textContent === 'A better <b>name</b>');
  assert.equal(await v.focused(), 'Rename or delete');
  await manage();
  await v.keys('Escape');
  await v.until(() => !document.getElementById('managing').open);
  const remove = async () => {
    await manage();
    await v.keys('Tab', 'Tab', 'Enter');
    await v.sees('Delete “A better <b>name</b>”?');
    assert.deepEqual(await v.check(), []);
    await v.keys('Tab', 'Enter');
    await v.sees('Deleted “A better <b>name</b>”.');
    await v.sees('Ask something.');
    assert.equal(await v.focused(), 'Undo');
    assert.equal(await v.page.evaluate((href) => document.querySelectorAll(`#list a[href="${href}"]`).length, `#/c/${id}`), 0);
    assert.equal((await server.ask('GET', `/conversations/${id}`)).id, id);
  };
  await remove();
  assert.deepEqual(await v.check(), []);
  await v.keys('Enter');
  await v.sees('You said: doomed words');
  await remove();
  await v.page.goto('about:blank'); // who leaves the page has decided
  await eventually(async () => (await server.ask('GET', `/conversations/${id}`)).code === 'not_found');
  await v.close();
});

test('a conversation is deleted on a phone', async () => {
  const v = await (await Visitor.open(browser, server.url, 'phone')).signedIn();
  await v.page.setViewport({width: 320, height: 560, hasTouch: true, isMobile: true});
  await v.send(`slow ${'title_without_an_end'.repeat(8)}`);
  await v.sees('The first half.');
  const id = await shownID(v);
  await v.page.tap('#manage');
  await v.until(() => document.getElementById('managing').open);
  assert.deepEqual(await v.check(), []);
  await v.page.tap('#remove');
  await v.sees('Delete “slow title');
  assert.deepEqual(await v.check(), []);
  await v.page.tap('#removing .danger');
  await v.sees('Undo');
  assert.deepEqual(await v.check(), []);
  await v.until(() => document.getElementById('running').hidden);
  await eventually(async () => (await server.ask('GET', `/conversations/${id}`)).code === 'not_found'); // ten seconds
  await v.until(() => !document.getElementById('undo').textContent);
  gate.open();
  await v.close();
});

test('two tabs show the same, and sign out together', async () => {
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  await v.send('hello tabs');
  await v.finished();
  const other = await v.tab(await v.page.evaluate(() => location.href));
  await other.sees('You said: hello tabs');
  await v.page.bringToFront();
  await v.send('slow tabs');
  await other.sees('The first half.');
  gate.open();
  await other.sees('The second half.');
  await other.finished();
  await v.finished();
  assert.equal(await other.answer(), await v.answer());
  await other.page.bringToFront();
  await other.page.click('#manage');
  await other.page.locator('#name').fill('renamed elsewhere');
  await other.page.keyboard.press('Enter');
  await v.page.bringToFront();
  await v.until(() => document.getElementById('title').textContent === 'renamed elsewhere');
  // A message of another client, which no tab has announced, is seen when the tab is looked at.
  await server.ask('POST', '/messages', {conversation_id: await shownID(v), content: 'from a terminal'});
  await eventually(async () => (await server.ask('GET', '/tasks?state=active')).tasks.length === 0);
  await v.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await v.sees('You said: from a terminal');
  await v.page.locator('#input').fill('a secret draft');
  await v.page.click('#leave');
  await v.page.waitForSelector('#token', {visible: true});
  await other.until(() => !document.getElementById('door').hidden);
  for (const page of [v.page, other.page]) assert.deepEqual(await page.evaluate(() => [localStorage.length, document.querySelectorAll('.message').length]), [0, 0]);
  await v.close();
});

test('a session that ends in mid-answer asks to sign in, and the answer goes on', async () => {
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  await v.send('slow session');
  await v.sees('The first half.');
  await v.page.locator('#input').fill('a kept draft');
  await v.page.deleteCookie(...await v.page.cookies());
  await v.sees('Your session has ended.');
  assert.equal(await v.page.evaluate(() => document.querySelectorAll('.message').length), 0);
  assert.deepEqual(await v.check(), []);
  await v.signIn();
  await v.sees('The first half.');
  gate.open();
  await v.sees('The second half.');
  await v.finished();
  assert.equal(await v.page.$eval('#input', (e) => e.value), 'a kept draft');
  await v.close();
});

test('the model of a conversation can be chosen', async () => {
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  await v.until(() => document.querySelector('#model option[value=other]'));
  assert.equal(await v.page.$eval('#model', (e) => e.selectedOptions[0].textContent), 'test (default)');
  await v.page.select('#model', 'other');
  await v.send('which model?');
  await v.finished();
  assert.equal(await v.page.$eval('.assistant .who', (e) => e.textContent), 'other');
  await v.page.reload();
  await v.until(() => document.getElementById('model').value === 'other');
  await v.page.select('#model', 'test');
  await v.press('Regenerate');
  await v.sees('2/2');
  await v.finished();
  assert.equal(await v.page.$eval('.assistant .who', (e) => e.textContent), 'test');
  await v.page.click('#new');
  await v.until(() => document.getElementById('model').value === 'test');
  await v.close();
});

test('temporary conversations are listed on request', async () => {
  await server.ask('POST', '/v1/chat/completions', {model: 'test', messages: [{role: 'user', content: 'a fleeting question'}]});
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  const listed = () => [...document.querySelectorAll('#list a')].some((a) => a.textContent.startsWith('a fleeting question'));
  await v.until(() => document.querySelector('#list a') || !document.getElementById('nothing').hidden);
  assert.equal(await v.page.evaluate(listed), false);
  await v.page.click('#temporary');
  await v.until(listed);
  await v.page.locator('::-p-text(a fleeting question)').click();
  await v.sees('A temporary conversation: it is deleted a day after its last message.');
  assert.deepEqual(await v.check(), []);
  await v.page.click('#temporary');
  await v.until(() => ![...document.querySelectorAll('#list a')].some((a) => a.textContent.startsWith('a fleeting question')));
  await v.close();
});

test('a failed answer says why, and can be made again', async () => {
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  await v.send('refused please');
  await v.until(() => document.querySelector('.failed')?.textContent.length > 20);
  assert.match(await v.page.$eval('.failed', (e) => e.textContent), /your account is <b>empty<\/b>/);
  await v.finished();
  assert.equal(await v.page.$eval('#said', (e) => e.textContent), 'The answer failed');
  assert.deepEqual(await v.check(), []);
  await v.press('Regenerate');
  await v.sees('2/2');
  await v.finished();
  await v.close();
});

test('a long conversation is loaded in pieces, from both ends', async () => {
  const name = (i) => `01999999-9999-7999-8998-${i.toString(16).padStart(12, '0')}`;
  const id = '01999999-9999-7999-8999-aaaaaaaaaaaa';
  const messages = Array.from({length: 2000}, (_, i) => ({
    id: name(i + 1), parent_id: i ? name(i) : undefined, role: i % 2 ? 'assistant' : 'user', state: i % 2 ? 'done' : undefined, parts: [{type: 'text', text: i % 2 ? rich : `question ${i}`}],
  }));
  await server.ask('POST', '/conversations/import', {id, title: 'a long one', messages});
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  let fastest = Infinity;
  for (let i = 0; i < 10 && fastest >= 1000; i++) { // other processes may be busy
    await v.page.goto('about:blank');
    await v.page.goto(`${server.url}/#/c/${id}`);
    await v.until(() => performance.getEntriesByName('ready').length);
    fastest = Math.min(fastest, await v.page.evaluate(() => performance.getEntriesByName('ready')[0].startTime));
  }
  assert.ok(fastest < 1000, `interactive after ${fastest} ms`);
  const count = () => v.page.evaluate(() => document.querySelectorAll('.message').length);
  assert.equal(await count(), 40);
  await v.press('Earlier messages');
  await v.until(() => document.querySelectorAll('.message').length === 80);
  await v.page.goto(`${server.url}/#/c/${id}/${name(1)}`);
  await v.until(() => document.querySelector('.found')?.getBoundingClientRect().top > 0);
  assert.equal(await count(), 40);
  assert.deepEqual(await v.check(), []);
  await v.press('Later messages');
  await v.until(() => document.querySelectorAll('.message').length === 80);
  await v.send('after all of them'); // its parent is the last message, which is not shown
  await v.sees('You said: after all of them');
  await v.finished();
  const stored = (await server.ask('GET', `/conversations/${id}/messages`)).messages;
  assert.equal(stored.find((m) => m.content === 'after all of them').parent_id, name(2000));
  await v.close();
});

test('back and forward, the focus, and what is read aloud', async () => {
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  await v.page.evaluate(() => {
    window.said = [];
    for (const status of document.querySelectorAll('[role=status], [role=alert], [aria-live]')) {
      new MutationObserver(() => { if (status.textContent) window.said.push(status.textContent); }).observe(status, {childList: true, characterData: true, subtree: true});
    }
  });
  await v.send('numbers aloud');
  await v.sees('number 200 of a list');
  await gate.reached();
  gate.open();
  await v.finished();
  assert.deepEqual(await v.page.evaluate(() => [window.said, document.querySelector('#messages').closest('[aria-live]'), document.querySelector('#messages [role=status]')]),
    [['Answering', 'The answer is complete'], null, null]);
  await v.press('Regenerate');
  await v.until(() => document.activeElement.id === 'stop');
  await gate.reached();
  gate.open();
  await v.sees('2/2');
  await v.finished();
  assert.equal(await v.page.evaluate(() => document.activeElement.id), 'input');
  await v.page.focus('.assistant [aria-label="Earlier version"]');
  await v.keys('Enter');
  await v.sees('1/2');
  assert.equal(await v.focused(), 'Later version');
  await v.keys('Enter');
  await v.sees('2/2');
  assert.equal(await v.focused(), 'Earlier version');
  await v.page.click('#new');
  await v.send('the second one');
  await v.sees('You said: the second one');
  await v.finished();
  await v.page.goBack();
  await v.sees('number 200 of a list');
  await v.page.goForward();
  await v.sees('You said: the second one');
  await v.page.evaluate(() => { location.hash = '#/c/01999999-0000-7000-8000-000000000000'; });
  await v.sees('There is no such conversation any more.');
  await v.page.emulateMediaFeatures([{name: 'prefers-reduced-motion', value: 'reduce'}]);
  assert.deepEqual(await v.page.evaluate(() => document.getAnimations().length + [...document.querySelectorAll('*')].filter((e) => parseFloat(getComputedStyle(e).transitionDuration) > 0).length), 0);
  await v.close();
});

test('hostile names of files are text, and a file is dropped', async () => {
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  const name = '"><img src=x onerror=alert(1)>.html';
  await v.page.evaluate((hostileName) => {
    const data = new DataTransfer();
    data.items.add(new File(['<script>alert(1)</script> zyzzyva'], hostileName, {type: 'text/html'}));
    document.body.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}));
  }, name);
  await v.until((text) => document.querySelector('#files li span')?.textContent === text && !document.getElementById('send').disabled, name);
  assert.deepEqual(await v.check(), []);
  await v.send('zyzzyva <svg onload=alert(1)>');
  await v.finished();
  const file = await v.page.$eval('.user a', (a) => [a.href, a.download]);
  assert.match(file[0], /\/attachments\/[0-9a-f]{64}$/);
  const response = await v.page.evaluate(async (url) => {
    const r = await fetch(url);
    return ['content-type', 'content-disposition', 'x-content-type-options', 'cache-control', 'content-security-policy'].map((h) => r.headers.get(h));
  }, file[0]);
  assert.deepEqual(response, ['text/plain; charset=utf-8', 'attachment', 'nosniff', 'no-store', "default-src 'none'; frame-ancestors 'none'"]);
  await v.page.locator('#search').fill('zyzzyva');
  await v.until(() => document.querySelector('#list .snippet')?.textContent.includes('<svg onload=alert(1)>') || document.querySelector('#list .name')?.textContent.includes('<svg onload=alert(1)>'));
  assert.deepEqual(await v.page.evaluate(() => [...new Set([...document.querySelectorAll('#list *')].map((e) => e.tagName))].sort()), ['A', 'LI', 'SPAN']);
  assert.deepEqual(await v.check(), []);
  await v.close();
});

test('chat web signs in with a code that works once', async () => {
  const home = mkdtempSync(join(tmpdir(), 'webtest-'));
  const env = {PATH: process.env.PATH, HOME: home, CHAT_DISCOVER: 'off', CHATD_TITLES: 'off'};
  try {
    const url = execFileSync(chat, ['web', '--print'], {env, encoding: 'utf8'}).trim();
    const v = await Visitor.open(browser, url);
    await v.page.waitForSelector('#input', {visible: true});
    assert.equal(await v.page.evaluate(() => location.href), url.replace(/#.*/, ''));
    await v.send('count to 10');
    await v.sees('That was 10 numbers.');
    execFileSync(chat, ['daemon', 'stop'], {env, stdio: 'pipe'});
    await v.until(() => document.getElementById('state').textContent.includes('the daemon does not answer; chat web starts it'));
    execFileSync(chat, ['web', '--print'], {env});
    await v.until(() => document.getElementById('state').textContent === 'live');
    await v.close();
    const again = await Visitor.open(browser, url);
    await again.sees('the link was used already');
    await again.close();
  } finally {
    execFileSync(chat, ['daemon', 'stop'], {env, stdio: 'pipe'});
    rmSync(home, {recursive: true});
  }
});

test('a rotated token ends a session', async () => {
  const v = await (await Visitor.open(browser, server.url)).signedIn();
  await server.kill();
  server.environment.CHATD_TOKEN = `${token}_rotated`;
  await server.run();
  await v.page.waitForSelector('#token', {visible: true, timeout: 20000});
  await v.close();
});
