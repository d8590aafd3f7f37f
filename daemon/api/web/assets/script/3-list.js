// The list of conversations, search, and running answers.

const listed = {items: [], cursor: '', query: '', asked: 0, tasksAsked: 0, temporary: false, filled: new WeakMap()};

async function loadList(more) {
  const query = $('search').value.trim();
  const turn = ++listed.asked;
  const parameters = new URLSearchParams({limit: 40});
  if (query) parameters.set('q', query);
  if (listed.temporary) parameters.set('temporary', 'true');
  if (more && listed.cursor) parameters.set('cursor', listed.cursor);
  const page = await ask('GET', `${query ? '/search' : '/conversations'}?${parameters}`);
  if (turn !== listed.asked) return; // a later one is on its way
  const items = query ? page.matches : page.conversations;
  listed.items = more ? listed.items.concat(items) : items;
  listed.cursor = page.next_cursor || '';
  listed.query = query;
  drawList();
  noticeChange();
}

// noticeChange reloads the conversation that is shown if it has changed elsewhere.
function noticeChange() {
  const now = listed.items.find((item) => item.id === shown.id)?.updated_at;
  if (!now || shown.stream || now === shown.updated) return;
  const changed = shown.updated !== '';
  shown.updated = now;
  if (changed) reload().catch(report);
}

function drawList() {
  const items = listed.items.filter((item) => !deletions.has(item.id));
  $('listed').textContent = listed.query ? 'Found' : 'Conversations';
  fill($('list'), items.map(({id, title, message_id, snippet, temporary}) => ({id, title, message_id, snippet: snippet || (temporary ? 'temporary' : '')})));
  $('more').hidden = !listed.cursor;
  $('nothing').hidden = items.length > 0;
  $('nothing').textContent = items.length ? '' : listed.query ? 'No conversation has these words.' : 'No conversations yet. The first one begins with your message.';
}

// fill shows entries in a list. It changes nothing if they are the same, so that a click is
// not lost, and the focus stays on the entry that had it.
function fill(list, entries) {
  const content = JSON.stringify([entries, shown.id]);
  if (listed.filled.get(list) === content) return;
  listed.filled.set(list, content);
  const focused = list.contains(document.activeElement) && document.activeElement.getAttribute('href');
  list.replaceChildren(...entries.map(entryOf));
  if (focused) [...list.querySelectorAll('a')].find((link) => link.getAttribute('href') === focused)?.focus();
}

function entryOf({id, title, message_id, snippet}) {
  const link = make('a', {href: `#/c/${id}${message_id ? '/' + message_id : ''}`}, make('span', {className: 'name'}, title || 'Untitled'),
    snippet ? make('span', {className: 'snippet'}, snippet) : null);
  if (id === shown.id) link.setAttribute('aria-current', 'page');
  return make('li', {}, link);
}

// waitOf says what a task waits for.
function waitOf({state, waiting}) {
  if (waiting) return `waits for ${waiting.for}, until ${new Date(waiting.until).toLocaleTimeString()}`;
  return state === 'queued' ? 'waits for a worker' : '';
}

async function loadTasks() {
  const turn = ++listed.tasksAsked;
  const tasks = (await ask('GET', '/tasks?state=active&answers=true&limit=20')).tasks.filter((task) => !deletions.has(task.conversation_id));
  const titles = new Map(listed.items.map((item) => [item.id, item.title]));
  for (const task of tasks) {
    if (!titles.has(task.conversation_id)) titles.set(task.conversation_id, (await ask('GET', `/conversations/${task.conversation_id}`)).title);
  }
  if (turn !== listed.tasksAsked) return;
  $('running').hidden = tasks.length === 0;
  fill($('tasks'), tasks.map((task) => ({id: task.conversation_id, title: titles.get(task.conversation_id), snippet: waitOf(task) || 'answering'})));
  for (const task of tasks) {
    const m = shown.messages.find((message) => message.task_id === task.id && !finished(message));
    if (!m || !m.view || m.wait === waitOf(task)) continue;
    m.wait = waitOf(task);
    drawFoot(m);
  }
  const other = tasks.find((task) => task.conversation_id === shown.id && !shown.tasks.has(task.id));
  if (!other || shown.stream) return;
  shown.tasks.add(other.id); // it may be of a branch that is not shown
  await reload();
}

let searchTimer = 0;
$('search').oninput = () => {
  clearTimeout(searchTimer);
  searchTimer = setTimeout(() => loadList(false).catch(report), 200);
};
$('searching').onsubmit = (event) => {
  event.preventDefault();
  clearTimeout(searchTimer);
  loadList(false).catch(report);
};
$('temporary').onclick = () => {
  listed.temporary = !listed.temporary;
  $('temporary').setAttribute('aria-pressed', listed.temporary);
  loadList(false).catch(report);
};
$('more').onclick = () => loadList(true).catch(report);

// On a phone the list covers the conversation.
function openSide(open) {
  $('side').classList.toggle('open', open);
  $('menu').setAttribute('aria-expanded', open);
  if (open) $(touch.matches ? 'close' : 'search').focus(); // no keyboard over the list
}
$('menu').onclick = () => openSide(!$('side').classList.contains('open'));
$('close').onclick = () => { openSide(false); $('menu').focus(); };
$('main').addEventListener('pointerdown', (event) => { if (!$('menu').contains(event.target)) openSide(false); });
$('new').onclick = () => { location.hash = '#/'; openSide(false); $('input').focus(); };
