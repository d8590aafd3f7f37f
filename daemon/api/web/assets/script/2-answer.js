// sanitized marks the HTML of answers, which the server has sanitized. Where the browser knows
// trusted types, the policy of the page lets no other text become HTML.
const sanitized = window.trustedTypes?.createPolicy('answers', {createHTML: (html) => html}) ?? {createHTML: (html) => html};

// Answer shows the parts of a message, from events of a stream or from a stored message.
class Answer {
  constructor(element) {
    this.element = element;
    this.clear();
  }

  clear() {
    this.parts = [];
    this.element.replaceChildren();
  }

  // apply applies an event of /web/stream.
  apply(event) {
    if (event.reset) this.clear();
    for (const part of event.parts || []) this.setPart(part);
    for (const block of event.blocks || []) this.setBlock(block);
  }

  setPart(part) {
    let view = this.parts[part.part];
    if (!view) {
      view = this.parts[part.part] = {blocks: [], ...containerOf(part)};
      this.element.append(view.root);
    }
    if (view.summary) view.summary.textContent = summaryOf(part);
  }

  setBlock({part, block, html, more}) {
    const view = this.parts[part];
    const holder = document.createElement('div');
    holder.className = 'block';
    holder.innerHTML = sanitized.createHTML(html);
    const old = view.blocks[block];
    const before = view.blocks[block - 1];
    const pre = holder.children.length === 1 && holder.firstElementChild.tagName === 'PRE' ? holder.firstElementChild : null;
    const joined = more && before && before.isCode === Boolean(pre);
    const now = {holder, isCode: Boolean(pre)};
    if (!pre) decorate(holder);
    if (old && old.isCode === now.isCode && old.joined === joined) {
      now.group = old.group;
      old.holder.replaceWith(holder);
    } else {
      if (old) (old.joined ? old.holder : old.group.root).remove();
      now.group = joined ? before.group : pre ? codeGroup(pre) : proseGroup();
      now.group.inner.append(holder);
      if (!joined) view.body.append(now.group.root);
    }
    now.joined = joined;
    view.blocks[block] = now;
  }

  // text returns what can be copied.
  text() {
    return this.parts.filter((view) => view && view.copied).map((view) => view.body.innerText.trim()).join('\n\n');
  }
}

function containerOf(part) {
  if (part.type === 'text') {
    const root = make('div', {className: 'text'});
    return {root, body: root, copied: true};
  }
  if (part.type === 'image' || part.type === 'file') {
    const root = attachmentOf(part);
    return {root, body: root};
  }
  const summary = make('summary');
  const body = make('div');
  const root = make('details', {className: part.type}, summary, body);
  return {root, body, summary};
}

function summaryOf(part) {
  if (part.type === 'reasoning') return part.duration_ms >= 100 ? `Thought for ${seconds(part.duration_ms)}` : 'Thoughts';
  if (part.type === 'tool_call') return `Called ${part.name || 'a tool'}`;
  if (part.type === 'tool_result') return part.is_error ? 'The tool failed' : 'Result of the tool';
  return part.type;
}

const seconds = (ms) => ms < 10000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;

function attachmentOf(part) {
  const address = `/attachments/${part.digest}`;
  const name = part.name || part.type;
  if (part.type === 'file') return make('p', {}, make('a', {href: address, download: name}, `${name} (${sizeOf(part.size)}${pagesOf(part.pages)})`));
  return make('a', {className: 'picture', href: address, download: name}, make('img', {src: address, alt: name, loading: 'lazy'}));
}

function pagesOf(pages) {
  return pages ? ` · ${pages} ${pages === 1 ? 'page' : 'pages'}` : '';
}

function sizeOf(bytes) {
  return bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

const proseGroup = () => {
  const root = make('div', {className: 'group'});
  return {root, inner: root};
};

// codeGroup returns a box for code, whose blocks scroll together.
function codeGroup(pre) {
  const language = (pre.firstElementChild?.className || '').replace('language-', '');
  const inner = make('div', {className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': `Code${language && ' in ' + language}`});
  const copy = button('Copy', () => copied(copy, inner.textContent));
  return {root: make('figure', {className: 'code'}, make('figcaption', {}, make('span', {}, language || 'code'), copy), inner), inner};
}

// decorate makes what is wider than the page scroll, also by keyboard.
function decorate(holder) {
  for (const table of holder.querySelectorAll('table')) {
    const box = make('div', {className: 'wide', tabIndex: 0, role: 'region', 'aria-label': 'Table'});
    table.replaceWith(box);
    box.append(table);
  }
  for (const pre of holder.querySelectorAll('pre')) pre.tabIndex = 0;
}

async function copied(from, text) {
  const label = from.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch { // plain HTTP has no clipboard
    const box = make('textarea', {value: text, className: 'unseen'});
    document.body.append(box);
    box.select();
    document.execCommand('copy');
    box.remove();
  }
  from.textContent = 'Copied';
  setTimeout(() => { from.textContent = label; }, 1500);
}

// Stream follows a running answer. After a cut it goes on from the last position.
class Stream {
  constructor(taskID, onEvent, onGone) {
    Object.assign(this, {taskID, onEvent, onGone, last: '', closed: false, tries: 0});
    this.open();
  }

  open() {
    if (this.closed) return;
    const source = this.source = new EventSource(`/web/stream/${this.taskID}${this.last && '?after=' + this.last}`);
    source.onopen = () => connection.found();
    source.onmessage = (message) => {
      this.last = message.lastEventId;
      this.tries = 0;
      const event = JSON.parse(message.data);
      if (event.end) this.close();
      this.onEvent(event);
    };
    source.onerror = () => {
      source.close();
      if (!this.closed) this.resume();
    };
  }

  // resume finds out why the stream ended, and opens it again if it can.
  async resume() {
    try {
      await ask('GET', `/tasks/${this.taskID}`);
    } catch (error) {
      if (error instanceof Away || error.retryable) {
        if (error.retryable) connection.lost(error.message);
        await connection.back();
      } else {
        this.close();
        this.onGone();
        return;
      }
    }
    setTimeout(() => this.open(), Math.min(5000, 100 * 2 ** this.tries++));
  }

  close() {
    this.closed = true;
    this.source.close();
  }
}
