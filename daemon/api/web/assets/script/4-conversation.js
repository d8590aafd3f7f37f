// The conversation that is shown.

// tasks are those that have been followed or looked for. updated is when the conversation has
// changed, '' if that is not known.
const shown = {id: '', title: '', model: '', updated: '', messages: [], before: '', after: '', leaf: '', stream: null, turn: 0, tasks: new Set()};

// show loads a conversation, or a new one if id is empty. through is a message on the path to
// show, around one of it that must be among the messages, found one to go to. keep leaves the
// messages where they are on the screen.
async function show(id, {through, around, found, keep} = {}) {
  const turn = ++shown.turn;
  const wanted = new URLSearchParams({...through && {message: through}, ...around && {around}});
  const view = id ? await ask('GET', `/web/conversations/${id}?${wanted}`) : {title: 'New conversation', messages: []};
  if (turn !== shown.turn) return;
  shown.stream?.close();
  const other = shown.id !== id;
  const bottom = atBottom();
  const {model = '', title, before = '', after = '', leaf = '', messages, updated_at: updated = ''} = view;
  Object.assign(shown, {id, title, model, updated, before, after, leaf, messages, stream: null});
  if (other) shown.tasks.clear();
  drawTitle();
  $('messages').replaceChildren(...messages.map(articleOf));
  if (!messages.length) $('messages').append(make('p', {className: 'hello'}, 'Ask something. The answer goes on when you close this page.'));
  if (view.temporary) $('messages').prepend(make('p', {className: 'brief'}, 'A temporary conversation: it is deleted a day after its last message.'));
  drawMore();
  if (other) {
    loadDraft();
    drawModels();
  }
  follow();
  drawList();
  drawComposer();
  const target = found && document.getElementById(`m-${found}`);
  if (target) {
    target.classList.add('found');
    target.scrollIntoView();
  } else if (!keep || bottom) {
    scrollDown(true);
  }
}

// reload shows the conversation as it is now, at the same place.
async function reload() {
  if (!shown.id) return;
  const first = shown.messages.find((m) => m.view.article.getBoundingClientRect().bottom > 0);
  const stay = first && placeOf(first.view.article);
  const details = [...$('messages').querySelectorAll('details')].map((d) => d.open);
  await orLeave(show(shown.id, {through: shown.leaf, around: first?.id, keep: true}));
  [...$('messages').querySelectorAll('details')].forEach((d, i) => { d.open = details[i] || false; });
  const now = first && document.getElementById(`m-${first.id}`);
  if (now && !atBottom()) stay(now);
}

// orLeave waits for a conversation to be shown, and leaves one that is no longer there.
async function orLeave(showing) {
  try {
    await showing;
  } catch (error) {
    if (error.code !== 'not_found') throw error;
    location.hash = '#/';
    await show('');
    notify('There is no such conversation any more.');
  }
}

// placeOf returns a function that puts an article where this one is on the screen.
function placeOf(article) {
  const {top} = article.getBoundingClientRect();
  return (other) => { $('messages').scrollTop += other.getBoundingClientRect().top - top; };
}

function drawTitle() {
  $('title').textContent = $('title').title = shown.title || 'Untitled';
  document.title = shown.id ? `${shown.title} – chat` : 'chat';
  $('manage').hidden = !shown.id;
}

// drawMore draws the buttons for the messages before and after those that are shown.
function drawMore() {
  const more = (name, text) => {
    const b = button(text, () => load(name, b).catch(report), {className: 'earlier'});
    return b;
  };
  if (shown.before) $('messages').prepend(more('before', 'Earlier messages'));
  if (shown.after) $('messages').append(more('after', 'Later messages'));
  $('down').hidden = !shown.after && atBottom();
}

// load shows the messages before or after those that are shown, in the place of a button.
async function load(side, from) {
  const {messages, ...view} = await ask('GET', `/web/conversations/${shown.id}?message=${shown.leaf}&${side}=${shown[side]}`);
  const box = $('messages');
  const {scrollHeight, scrollTop} = box;
  shown[side] = view[side] || '';
  shown.messages = side === 'before' ? messages.concat(shown.messages) : shown.messages.concat(messages);
  from.replaceWith(...messages.map(articleOf));
  for (const b of box.querySelectorAll(':scope > .earlier')) b.remove();
  drawMore();
  box.scrollTop = side === 'before' ? box.scrollHeight - scrollHeight + scrollTop : scrollTop;
  box.focus({preventScroll: true}); // the button is gone
  if (!shown.stream) follow();
  drawComposer();
}

const finished = (m) => ['done', 'failed', 'cancelled', 'interrupted'].includes(m.state) || !m.task_id;

// articleOf returns a message.
function articleOf(m) {
  const parts = make('div', {className: 'parts'});
  const who = m.role === 'user' ? 'You' : m.model || 'Answer';
  const foot = make('div', {className: 'foot'});
  const article = make('article', {className: `message ${m.role}`, id: `m-${m.id}`}, make('h2', {className: 'who'}, who), parts, foot);
  const answer = new Answer(parts);
  m.view = {article, answer, foot};
  for (const part of m.parts) {
    answer.setPart(part);
    for (const block of part.blocks || []) answer.setBlock(block);
  }
  drawFoot(m);
  return article;
}

// drawFoot draws what is below a message: its outcome and what can be done with it.
function drawFoot(m) {
  const {answer, foot} = m.view;
  foot.replaceChildren();
  const say = (className, text) => foot.append(make('p', {className}, text));
  if (m.role === 'assistant' && !finished(m)) {
    const waits = m.wait && m.wait.replace(/^waits/, 'Waiting') + '…';
    say('waiting', m.state === 'queued' && !answer.parts.length ? waits || 'Waiting for a worker…' : 'Answering…');
    if (m.siblings.length > 1) foot.append(make('div', {className: 'tools'}, ...siblingsOf(m)));
    return;
  }
  for (const notice of m.notices || []) say('said', notice);
  if (m.state === 'cancelled') say('said', 'Stopped.');
  if (m.error) say('failed', m.error.message);
  else if (m.state === 'failed' || m.state === 'interrupted') say('failed', 'The answer is not complete.');
  else if (m.state === 'done' && m.finish_reason && !['stop', 'end_turn', 'eos'].includes(m.finish_reason)) say('said', `The model ended with: ${m.finish_reason}.`);
  const tools = make('div', {className: 'tools'}, ...siblingsOf(m));
  const copy = button('Copy', () => copied(copy, answer.text()));
  tools.append(copy);
  if (m.role === 'assistant' && wasCut(m)) tools.append(button('Continue', () => remake(m, 'continue').catch(report)));
  if (m.role === 'assistant') tools.append(button('Regenerate', () => remake(m, 'regenerate').catch(report)));
  else tools.append(button('Edit', () => edit(m)));
  foot.append(tools);
}

// siblingsOf returns the way to the other versions of a message, nothing if there are none.
function siblingsOf(m) {
  if (m.siblings.length < 2) return [];
  const at = m.siblings.indexOf(m.id);
  const step = (by, text, label) => button(text, () => showSibling(m, m.siblings[at + by], label).catch(report), {'aria-label': label, disabled: !m.siblings[at + by]});
  return [step(-1, '‹', 'Earlier version'), make('span', {}, `${at + 1}/${m.siblings.length}`), step(1, '›', 'Later version')];
}

// showSibling shows another version of a message in its place. The focus stays on the button.
async function showSibling(m, id, label) {
  const stay = placeOf(m.view.article);
  await show(shown.id, {through: id, keep: true});
  const article = document.getElementById(`m-${id}`);
  stay(article);
  const buttons = [...article.querySelectorAll('.tools [aria-label]:enabled')];
  (buttons.find((b) => b.getAttribute('aria-label') === label) || buttons[0])?.focus({preventScroll: true});
}

// wasCut reports whether an answer can be continued.
function wasCut(m) {
  return m.view.answer.text().trim() && (['cancelled', 'interrupted'].includes(m.state) || /length|max_?tokens/i.test(m.finish_reason));
}

// remake asks for another answer, or for the rest of one.
async function remake(m, how) {
  const accepted = await ask('POST', `/messages/${m.id}/${how}`, modelChoice(), {'Idempotency-Key': randomKey()});
  await show(shown.id, {through: accepted.message_id});
  if (shown.stream) $('stop').focus();
  else rest();
  announce({id: shown.id});
  loadTasks().catch(report);
}

// follow opens the stream of the answer that is being made.
function follow() {
  const m = shown.messages.find((message) => message.role === 'assistant' && !finished(message));
  if (!m) return;
  $('said').textContent = 'Answering';
  shown.tasks.add(m.task_id);
  shown.stream = new Stream(m.task_id, (event) => {
    const near = atBottom();
    m.view.answer.apply(event);
    if (event.parts || event.blocks) m.state = 'running';
    if (event.end) {
      const {state, code, content, finish_reason, notices} = event.end;
      Object.assign(m, {state: state || (code ? 'failed' : 'done'), finish_reason, notices, error: code ? {message: content} : null});
      Object.assign(shown, {stream: null, updated: ''});
      $('said').textContent = m.state === 'done' ? 'The answer is complete' : m.state === 'cancelled' ? 'The answer was stopped' : 'The answer failed';
      drawComposer();
      Promise.all([loadList(false), loadTasks()]).catch(report);
    }
    if (event.end || event.reset || event.parts) drawFoot(m);
    if (near && !shown.after) scrollDown(true);
    else $('down').hidden = false;
  }, () => reload().catch(report));
}

const atBottom = () => $('messages').scrollHeight - $('messages').scrollTop - $('messages').clientHeight < 60;

function scrollDown(always) {
  if (always || atBottom()) $('messages').scrollTop = $('messages').scrollHeight;
  $('down').hidden = atBottom() && !shown.after;
}
$('messages').onscroll = () => { if (atBottom() && !shown.after) $('down').hidden = true; };
$('down').onclick = () => {
  if (shown.after) show(shown.id, {through: shown.leaf}).catch(report);
  else scrollDown(true);
};
