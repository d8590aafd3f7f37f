// The conversation that is shown.

const shown = {id: '', model: '', messages: [], before: '', stream: null, turn: 0};

// show loads a conversation, or a new one if id is empty. messageID is a message on the path
// to show.
async function show(id, messageID, found) {
  const turn = ++shown.turn;
  const view = id ? await ask('GET', `/web/conversations/${id}${messageID ? '?message=' + messageID : ''}`) : {title: 'New conversation', messages: []};
  if (turn !== shown.turn) return;
  shown.stream?.close();
  const other = shown.id !== id;
  Object.assign(shown, {id, model: view.model || '', before: view.before || '', messages: view.messages, stream: null});
  $('title').textContent = view.title || 'Untitled';
  document.title = id ? `${view.title} – chat` : 'chat';
  $('messages').replaceChildren(...view.messages.map(articleOf));
  if (!view.messages.length) $('messages').append(make('p', {className: 'hello'}, 'Ask something. The answer goes on when you close this page.'));
  showEarlier();
  if (other) loadDraft();
  follow();
  drawList();
  drawComposer();
  const target = found && document.getElementById(`m-${found}`);
  if (target) {
    target.classList.add('found');
    target.scrollIntoView();
  } else {
    scrollDown(true);
  }
}

function showEarlier() {
  if (!shown.before) return;
  const earlier = button('Earlier messages', async () => {
    const view = await ask('GET', `/web/conversations/${shown.id}?message=${shown.messages.at(-1).id}&before=${shown.before}`);
    const box = $('messages');
    const fromBottom = box.scrollHeight - box.scrollTop;
    shown.before = view.before || '';
    shown.messages = view.messages.concat(shown.messages);
    earlier.replaceWith(...view.messages.map(articleOf));
    showEarlier();
    box.scrollTop = box.scrollHeight - fromBottom;
  }, {className: 'earlier'});
  $('messages').prepend(earlier);
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
    say('waiting', m.state === 'queued' && !answer.parts.length ? 'Waiting for a worker…' : 'Answering…');
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
  if (m.role === 'assistant') tools.append(button('Regenerate', () => regenerate(m).catch(report)));
  else tools.append(button('Edit', () => edit(m)));
  foot.append(tools);
}

// siblingsOf returns the way to the other versions of a message, nothing if there are none.
function siblingsOf(m) {
  if (m.siblings.length < 2) return [];
  const at = m.siblings.indexOf(m.id);
  const step = (by, text, label) => button(text, () => show(shown.id, m.siblings[at + by]).catch(report), {'aria-label': label, disabled: !m.siblings[at + by]});
  return [step(-1, '‹', 'Earlier version'), make('span', {}, `${at + 1}/${m.siblings.length}`), step(1, '›', 'Later version')];
}

async function regenerate(m) {
  const accepted = await ask('POST', `/messages/${m.id}/regenerate`, $('model').value ? {model: $('model').value} : {}, {'Idempotency-Key': randomKey()});
  await show(shown.id, accepted.message_id);
  loadTasks().catch(report);
}

// follow opens the stream of the answer that is being made.
function follow() {
  const m = shown.messages.find((message) => message.role === 'assistant' && !finished(message));
  if (!m) return;
  $('said').textContent = 'Answering';
  shown.stream = new Stream(m.task_id, (event) => {
    const near = atBottom();
    m.view.answer.apply(event);
    if (event.parts || event.blocks) m.state = 'running';
    if (event.end) {
      const {state, code, content, finish_reason, notices} = event.end;
      Object.assign(m, {state: state || (code ? 'failed' : 'done'), finish_reason, notices, error: code ? {message: content} : null});
      shown.stream = null;
      $('said').textContent = m.state === 'done' ? 'The answer is complete' : m.state === 'cancelled' ? 'The answer was stopped' : 'The answer failed';
      drawComposer();
      Promise.all([loadList(false), loadTasks()]).catch(report);
    }
    if (event.end || event.reset || event.parts) drawFoot(m);
    if (near) scrollDown(true);
    else $('down').hidden = false;
  }, () => show(shown.id).catch(report));
}

const atBottom = () => $('messages').scrollHeight - $('messages').scrollTop - $('messages').clientHeight < 60;

function scrollDown(always) {
  if (always || atBottom()) $('messages').scrollTop = $('messages').scrollHeight;
  $('down').hidden = atBottom();
}
$('messages').onscroll = () => { if (atBottom()) $('down').hidden = true; };
$('down').onclick = () => scrollDown(true);
