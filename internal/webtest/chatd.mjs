// A chatd for the tests, which can be killed and started again on the same port. It is one
// process with everything, or an API beside a worker and Redis, which go on without it.
import {spawn} from 'node:child_process';
import {mkdtempSync, openSync, rmSync} from 'node:fs';
import {connect, createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

export const token = 'chat_token_of_the_browser_tests';

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const {port} = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

// answers waits until something listens on a port.
async function answers(port) {
  for (let i = 0; ; i++) {
    if (await new Promise((resolve) => { const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false)).on('connect', () => socket.end()); })) return;
    if (i > 200) throw new Error(`nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export class Chatd {
  static async start(program, provider, apart = false) {
    const d = new Chatd();
    Object.assign(d, {program, directory: mkdtempSync(join(tmpdir(), 'webtest-')), port: await freePort(), others: [], role: 'all'});
    d.url = `http://127.0.0.1:${d.port}`;
    d.environment = {
      PATH: process.env.PATH, HOME: d.directory, XDG_DATA_HOME: d.directory, CHATD_TOKEN: token, CHATD_LEASE: '2s', CHAT_DISCOVER: 'off', CHATD_TITLES: 'off',
      OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: provider, CHAT_MODEL: 'test',
    };
    if (apart) {
      const redis = await freePort();
      Object.assign(d.environment, {DATABASE_URL: `sqlite://${d.directory}/chat.db`, REDIS_URL: `redis://127.0.0.1:${redis}`});
      d.role = 'api';
      d.others.push(d.spawn('redis-server', ['--port', redis, '--bind', '127.0.0.1', '--save', '', '--dir', d.directory]));
      await answers(redis);
      d.others.push(d.spawn(program, ['--role', 'worker']));
    }
    await d.run();
    return d;
  }

  spawn(program, parameters) {
    const log = openSync(join(this.directory, 'log'), 'a');
    const child = spawn(program, parameters, {stdio: ['ignore', log, log], env: this.environment});
    child.ended = new Promise((resolve) => { child.on('exit', resolve); });
    return child;
  }

  async run() {
    this.process = this.spawn(this.program, ['--role', this.role, '--listen', `tcp://127.0.0.1:${this.port}`]);
    for (let i = 0; ; i++) {
      if (await fetch(`${this.url}/readyz`).then((r) => r.ok, () => false)) return;
      if (i > 600) throw new Error(`chatd does not start: ${join(this.directory, 'log')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async kill() {
    this.process.kill('SIGKILL');
    await this.process.ended;
  }

  // ask calls the API with the token.
  async ask(method, path, body) {
    const response = await fetch(this.url + path, {
      method, headers: {Authorization: `Bearer ${token}`, 'Content-Type': 'application/json'}, body: body && JSON.stringify(body),
    });
    return response.json();
  }

  async close() {
    await this.kill();
    for (const other of this.others) {
      other.kill('SIGKILL');
      await other.ended;
    }
    rmSync(this.directory, {recursive: true});
  }
}
