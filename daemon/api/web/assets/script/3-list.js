// The list of conversations, search, and running answers.

const listed = {items: [], cursor: '', query: '', asked: 0, tasksAsked: 0};

async function loadList(more) {
  const query = $('search').value.trim();
  const turn = ++listed.asked;
  const parameters = new URLSearchParams({limit: 40});
  if (query) parameters.set('q', query);
  if (more && listed.cursor) parameters.set('cursor', listed.cursor);
  const page = await ask('GET', `${query ? '/search' : '/conversations'}?${parameters}`);
  if (turn !== listed.asked) return; // a later one is on its way
  const items = query ? page.matches : page.conversations;
  listed.items = more ? listed.items.concat(items) : items;
  listed.cursor = page.next_cursor || '';
  listed.query = query;
  drawList();
}

function drawList() {
  $('listed').textContent = listed.query ? 'Found' : 'Conversations';
  fill($('list'), listed.items.map((item) => entryOf(item.id, item.title, item.message_id, item.snippet)));
  $('more').hidden = !listed.cursor;
  $('nothing').hidden = listed.items.length > 0;
  $('nothing').textContent = listed.query ? 'No conversation has these words.' : 'No conversations yet.';
}

// fill replaces the entries of a list. The focus stays on the entry that had it.
function fill(list, entries) {
  const focused = list.contains(document.activeElement) && document.activeElement.getAttribute('href');
  list.replaceChildren(...entries);
  if (focused) [...list.querySelectorAll('a')].find((link) => link.getAttribute('href') === focused)?.focus();
}

function entryOf(id, title, messageID, snippet) {
  const link = make('a', {href: `#/c/${id}${messageID ? '/' + messageID : ''}`}, make('span', {className: 'name'}, title || 'Untitled'),
    snippet ? make('span', {className: 'snippet'}, snippet) : null);
  if (id === shown.id) link.setAttribute('aria-current', 'page');
  return make('li', {}, link);
}

async function loadTasks() {
  const turn = ++listed.tasksAsked;
  const {tasks} = await ask('GET', '/tasks?state=active&limit=20');
  const titles = new Map(listed.items.map((item) => [item.id, item.title]));
  for (const task of tasks) {
    if (!titles.has(task.conversation_id)) titles.set(task.conversation_id, (await ask('GET', `/conversations/${task.conversation_id}`)).title);
  }
  if (turn !== listed.tasksAsked) return;
  $('running').hidden = tasks.length === 0;
  fill($('tasks'), tasks.map((task) => entryOf(task.conversation_id, titles.get(task.conversation_id), '', task.state === 'queued' ? 'waits for a worker' : 'answering')));
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
$('more').onclick = () => loadList(true).catch(report);

// On a phone the list covers the conversation.
function openSide(open) {
  $('side').classList.toggle('open', open);
  $('menu').setAttribute('aria-expanded', open);
  if (open) $('search').focus();
}
$('menu').onclick = () => openSide(!$('side').classList.contains('open'));
$('close').onclick = () => { openSide(false); $('menu').focus(); };
$('main').addEventListener('pointerdown', (event) => { if (!$('menu').contains(event.target)) openSide(false); });
$('new').onclick = () => { location.hash = '#/'; openSide(false); $('input').focus(); };
