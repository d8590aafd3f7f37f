// What the tests do with a page.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import puppeteer from 'puppeteer-core';
import {token} from './chatd.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const launch = () => puppeteer.launch({executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox']});

export const sizes = {
  desktop: {width: 1200, height: 800},
  phone: {width: 390, height: 780, deviceScaleFactor: 2, hasTouch: true, isMobile: true},
};

// Visitor is a browser with its own cookies, which records what must not happen.
export class Visitor {
  static async open(browser, url, size = 'desktop') {
    const context = await browser.createBrowserContext();
    return new Visitor().start(context, url, size);
  }

  // tab opens another page in the same browser.
  tab(url) { return new Visitor().start(this.context, url, 'desktop'); }

  async start(context, url, size) {
    const v = this;
    v.context = context;
    v.page = await v.context.newPage();
    await v.page.setViewport(sizes[size]);
    v.bad = [];
    v.requests = [];
    v.page.on('dialog', (dialog) => { v.bad.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    v.page.on('pageerror', (error) => v.bad.push(`error: ${error}`));
    v.page.on('popup', () => v.bad.push('popup'));
    v.page.on('request', (request) => {
      v.requests.push(request.url());
      if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== new URL(url).origin) v.bad.push(`request: ${request.url()}`);
    });
    await v.page.evaluateOnNewDocument(() => {
      window.violations = [];
      window.events = [];
      const Native = window.EventSource;
      window.EventSource = class extends Native {
        constructor(url) {
          super(url);
          this.addEventListener('message', ({data, lastEventId}) => window.events.push({url, id: lastEventId, ...JSON.parse(data)}));
        }
      };
      document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    });
    await v.page.goto(url);
    return v;
  }

  async signIn(text = token) {
    await this.page.waitForSelector('#token', {visible: true});
    await this.page.locator('#token').fill(text);
    await this.page.keyboard.press('Enter');
  }

  async signedIn() {
    await this.signIn();
    await this.page.waitForSelector('#input', {visible: true});
    return this;
  }

  async send(text) {
    await this.page.waitForSelector('#send:not([disabled])', {visible: true});
    await this.page.locator('#input').fill(text);
    await this.page.click('#send');
  }

  // keys presses keys, one after the other.
  async keys(...names) { for (const name of names) await this.page.keyboard.press(name); }

  // focused returns the text of what has the focus.
  focused() { return this.page.evaluate(() => document.activeElement.getAttribute('aria-label') || document.activeElement.textContent || document.activeElement.id); }

  // until waits for a condition in the page.
  until(condition, ...values) { return this.page.waitForFunction(condition, {timeout: 20000, polling: 50}, ...values); } // frames are not drawn in the background

  async sees(text) {
    await this.until((wanted) => document.body.innerText.includes(wanted), text)
      .catch(async () => { throw new Error(`the page does not show ${JSON.stringify(text)}: ${await this.page.evaluate(() => document.body.innerText)}`); });
  }

  // finished waits for the end of the last answer.
  finished() { return this.until(() => document.querySelector('.message:last-child .tools button:last-child')?.textContent === 'Regenerate' && document.getElementById('stop').hidden); }

  // answer returns the HTML of the last answer.
  answer() { return this.page.evaluate(() => [...document.querySelectorAll('.assistant .parts')].at(-1).innerHTML); }

  press(label) { return this.page.locator(`::-p-xpath(//main//button[normalize-space()=${JSON.stringify(label)} and not(@hidden)])`).click(); }

  // check runs axe-core, and looks for what must not have happened.
  async check() {
    await this.page.evaluate(axe);
    const serious = await this.page.evaluate(async () => {
      const {violations} = await window.axe.run(document, {resultTypes: ['violations']});
      return violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `${v.id}: ${v.nodes.map((n) => n.target + ' ' + n.failureSummary).join('; ')}`);
    });
    const overflow = await this.page.evaluate(() => Math.max(document.documentElement.scrollWidth - innerWidth, ...['messages', 'side', 'managing'].map((id) => document.getElementById(id)).map((e) => e.scrollWidth - e.clientWidth)));
    const violations = await this.page.evaluate(() => window.violations);
    return [...serious, ...this.bad, ...violations, ...(overflow > 0 ? [`the page is ${overflow} pixels too wide`] : [])];
  }

  close() { return this.context.close(); }
}
