// The checks of the WebSocket, for any WebSocket with the interface of browsers: npm's ws,
// and Chromium's. They run in a page, too, so they import nothing.

// equal fails unless two values are the same as JSON.
function equal(got, want, what) {
  if (JSON.stringify(got) !== JSON.stringify(want)) {
    throw new Error(`${what}: ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
  }
}

class Client {
  constructor(WebSocket, url) {
    this.received = [];
    this.waiting = [];
    this.socket = new WebSocket(url);
    this.opened = new Promise((resolve, reject) => {
      this.socket.onopen = resolve;
      this.socket.onerror = () => reject(new Error('the socket could not be opened'));
    });
    this.closed = new Promise((resolve) => {
      this.socket.onclose = (e) => {
        resolve(e.code);
        for (const w of this.waiting.splice(0)) w({ type: 'closed', code: e.code });
      };
    });
    this.socket.onmessage = (e) => {
      const m = JSON.parse(e.data);
      const w = this.waiting.shift();
      if (w) w(m);
      else this.received.push(m);
    };
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  next() {
    if (this.received.length) return Promise.resolve(this.received.shift());
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  // chunks reads the chunks of a task up to the terminal one, or until the socket is closed.
  async chunks(task) {
    const list = [];
    for (;;) {
      const m = await this.next();
      if (m.type === 'closed') return list;
      equal([m.type, m.task_id], ['chunk', task], `message ${JSON.stringify(m)}`);
      list.push(m);
      if (m.chunk.chunk_type === 'done' || m.chunk.chunk_type === 'error') return list;
    }
  }

  close() {
    this.socket.close();
    return this.closed;
  }
}

// text joins the text of chunks since the last reset.
function text(list) {
  let out = '';
  for (const { chunk } of list) {
    if (chunk.chunk_type === 'reset') out = '';
    if (chunk.chunk_type === 'content') out += chunk.content;
  }
  return out;
}

// socketChecks returns the checks as a list of [name, function]. control gives commands to
// the test.
export function socketChecks(WebSocket, url, token, control) {
  const address = url.replace(/^http/, 'ws') + '/ws';

  async function hello(given = token) {
    const c = new Client(WebSocket, address);
    await c.opened;
    c.send({ type: 'hello', token: given });
    return c;
  }

  async function ready() {
    const c = await hello();
    equal((await c.next()).type, 'ready', 'the first message');
    return c;
  }

  async function submit(c, content, more = {}) {
    c.send({ type: 'submit', ref: 's', message: { content }, ...more });
    const acc = await c.next();
    equal([acc.type, acc.ref], ['accepted', 's'], 'a submission');
    return acc;
  }

  return [
    ['a wrong token', async () => {
      const c = await hello('wrong');
      equal((await c.next()).error.code, 'unauthorized', 'the error');
      equal(await c.closed, 1008, 'the code');
    }],
    ['follow, and resume at every index', async () => {
      const { task, positions, text: sent } = await control('answer?chunks=200');
      equal(positions.length, 201, 'chunks');
      const c = await ready();
      c.send({ type: 'follow', task_id: task });
      const all = await c.chunks(task);
      equal(all.map((m) => m.id), positions, 'positions');
      equal(text(all), sent, 'the text');
      for (let i = 0; i < positions.length - 1; i++) {
        c.send({ type: 'follow', task_id: task, after: positions[i] });
        equal(await c.chunks(task), all.slice(i + 1), `after ${positions[i]}`);
      }
      c.send({ type: 'follow', task_id: task, after: positions.at(-1) });
      equal(await c.next(), { type: 'complete', task_id: task }, 'after the end');
      await c.close();
    }],
    ['submit once', async () => {
      const c = await ready();
      const one = await submit(c, 'lie: chunks=3', { idempotency_key: 'k' });
      const two = await submit(c, 'lie: chunks=3', { idempotency_key: 'k' });
      equal(two.task_id, one.task_id, 'the task');
      c.send({ type: 'follow', task_id: one.task_id });
      equal(text(await c.chunks(one.task_id)).length > 0, true, 'there is text');
      await c.close();
    }],
    ['cancel', async () => {
      const c = await ready();
      const acc = await submit(c, 'lie: chunks=20 gate');
      c.send({ type: 'follow', task_id: acc.task_id });
      await control('step?n=1');
      const first = await c.next();
      equal([first.type, first.id], ['chunk', '1-0'], 'the first chunk');
      c.send({ type: 'cancel', ref: 'c', task_id: acc.task_id });
      const rest = [];
      let won;
      while (won === undefined || !rest.length) { // the answer and the last chunk come in any order
        const m = await c.next();
        if (m.type === 'cancelled') ({ won } = m);
        else if (m.chunk.chunk_type === 'done' || m.chunk.chunk_type === 'error') rest.push(m);
      }
      equal([won, rest[0].chunk.state], [true, 'cancelled'], 'the cancel');
      c.send({ type: 'cancel', ref: 'd', task_id: acc.task_id });
      const again = await c.next();
      equal([again.won, again.state], [true, 'cancelled'], 'the second cancel');
      await c.close();
    }],
    ['errors leave the socket open', async () => {
      const c = await ready();
      c.send({ type: 'follow', ref: 'x', task_id: '01900000-0000-7000-8000-000000000000' });
      const m = await c.next();
      equal([m.type, m.ref, m.error.code], ['error', 'x', 'not_found'], 'an unknown task');
      c.send({ type: 'nonsense' });
      equal((await c.next()).error.code, 'invalid', 'an unknown type');
      c.send({ type: 'submit', message: { content: '' } });
      equal((await c.next()).error.code, 'invalid', 'an empty message');
      c.socket.send('no JSON');
      equal(await c.closed, 1003, 'the code');
    }],
    ['the daemon is killed in mid-answer', async () => {
      const c = await ready();
      const acc = await submit(c, 'lie: chunks=30 pace=5ms hang=10 fail=1');
      c.send({ type: 'follow', task_id: acc.task_id });
      const seen = [];
      while (text(seen).split(' ').length <= 10) {
        const m = await c.next();
        equal(m.type, 'chunk', 'a message');
        seen.push(m);
      }
      await control('restart-api');
      await c.closed;
      const again = await ready();
      again.send({ type: 'follow', task_id: acc.task_id, after: seen.at(-1).id });
      seen.push(...(await again.chunks(acc.task_id)));
      const calls = await control('calls');
      equal(text(seen), calls.at(-1).sent, 'the text');
      equal(seen.at(-1).chunk.chunk_type, 'done', 'the end');
      await again.close();
    }],
  ];
}
