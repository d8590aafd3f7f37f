'use strict';
// The page of chatd. The server concatenates the files of this folder in the order of their
// names. HTML comes from the server only, which has sanitized it; all other text is set as text.

const $ = (id) => document.getElementById(id);

// make returns an element with properties, and with children: elements or texts.
function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const touch = matchMedia('(pointer: coarse)');

const button = (text, action, properties) => make('button', {type: 'button', onclick: action, ...properties}, text);

// randomKey returns an idempotency key. crypto.randomUUID is missing on plain HTTP.
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
}

// Problem is a response that says what is wrong.
class Problem extends Error {
  constructor(status, body) {
    super(body.detail || `the server answered ${status}`);
    this.status = status;
    this.code = body.code;
    this.retryable = status === 503 || status === 429;
  }
}

// Away is a request without a response.
class Away extends Error {}

// ask makes a call. A failure without a response makes the connection look for the server.
async function ask(method, path, body, headers) {
  const options = {method, headers: {...headers}, credentials: 'same-origin', cache: 'no-store'};
  if (body instanceof Blob) {
    options.body = body;
    options.headers['Content-Type'] = 'application/octet-stream';
  } else if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers['Content-Type'] = 'application/json';
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    connection.lost(connection.silent());
    throw new Away(connection.silent());
  }
  if (response.status === 401 && path !== '/web/session') showDoor('Your session has ended. Sign in again: what you wrote is kept, and answers go on.');
  if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
  return response.status === 204 ? null : response.json();
}

// persist repeats a call until the server has answered it. waiting is called while it does not.
async function persist(call, waiting) {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Away) && !error.retryable) throw error;
      waiting();
      if (error.retryable) connection.lost(error.message);
      await connection.back();
    }
  }
}

// connection knows whether the server answers. While it does not, it asks again and again,
// and says when.
const connection = {
  up: true, local: false, tries: 0, reason: '', next: 0, timer: 0, waiting: [],
  lost(reason) {
    this.reason = reason;
    if (!this.up) return;
    this.up = false;
    this.tries = 0;
    this.schedule();
  },
  schedule() {
    const seconds = Math.min(10, 1 + this.tries++);
    this.next = Date.now() + seconds * 1000;
    this.tick();
  },
  tick() {
    clearTimeout(this.timer);
    const left = Math.ceil((this.next - Date.now()) / 1000);
    if (left <= 0) {
      this.say('reconnecting…', true);
      this.check();
      return;
    }
    this.say(`reconnecting in ${left} s: ${this.reason}`, true);
    this.timer = setTimeout(() => this.tick(), Math.min(1000, this.next - Date.now() - (left - 1) * 1000));
  },
  async check() {
    clearTimeout(this.timer);
    try {
      const response = await fetch('/hello', {cache: 'no-store'});
      if (!response.ok) throw new Error();
      if ((await response.json()).state !== 'ready') this.reason = 'the server is restarting';
      else return this.found();
    } catch {
      this.reason = this.silent();
    }
    this.up = false;
    this.schedule();
  },
  found() {
    const away = !this.up;
    this.up = true;
    this.say('live', false);
    for (const resolve of this.waiting.splice(0)) resolve();
    if (away) refreshAll();
  },
  // back resolves when the server answers.
  back() {
    return this.up ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve));
  },
  silent() {
    return this.local ? 'the daemon does not answer; chat web starts it' : 'the server does not answer';
  },
  say(text, down) {
    if ($('state').textContent !== text) $('state').textContent = text;
    if ($('state').classList.contains('down') === down) return;
    $('state').classList.toggle('down', down); // said once: the seconds are not read aloud
    $('said').textContent = down ? `Connection lost: ${this.reason}` : 'Connected again';
  },
};
addEventListener('online', () => connection.check());
addEventListener('offline', () => connection.lost('this device is offline'));
