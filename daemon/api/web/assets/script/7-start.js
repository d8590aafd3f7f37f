// Signing in, the address, and the beginning.

function showDoor(why) {
  shown.stream?.close();
  Object.assign(shown, {id: '', messages: [], leaf: '', stream: null, turn: shown.turn + 1});
  $('messages').replaceChildren();
  $('managing').close();
  $('app').hidden = true;
  $('door').hidden = false;
  $('why').textContent = why;
  $('token').focus();
  performance.mark('ready');
}

async function enter() {
  $('door').hidden = true;
  $('app').hidden = false;
  connection.say('live', false);
  await Promise.all([route(), loadList(false), loadTasks()]);
  performance.mark('ready');
  loadModels().catch((error) => notify(error.message));
  if (!touch.matches) $('input').focus();
}

$('signin').onsubmit = async (event) => {
  event.preventDefault();
  try {
    await ask('POST', '/web/session', {token: $('token').value.trim()});
    $('token').value = '';
    await enter();
  } catch (error) {
    $('why').textContent = error.message;
  }
};
$('leave').onclick = async () => {
  try {
    await ask('DELETE', '/web/session');
  } catch (error) {
    notify(`You are still signed in: ${error.message}`);
    return;
  }
  localStorage.clear(); // drafts
  announce({signedOut: true});
  location.replace('/');
};

// route shows what the address names: #/ or #/c/<conversation>/<message>.
async function route() {
  const [, , id, messageID] = location.hash.split('/');
  const inSide = $('side').classList.contains('open');
  openSide(false);
  await orLeave(show(id || '', {through: messageID, found: messageID}));
  if (inSide && !$('main').contains(document.activeElement)) $('messages').focus(); // the list is hidden now
}
addEventListener('hashchange', () => route().catch(report));
$('skip').onclick = (event) => { event.preventDefault(); $('input').focus(); };

// refreshAll brings the page up to date after the server was away. A stream goes on by itself.
function refreshAll() {
  if ($('app').hidden) return;
  const [, , id] = location.hash.split('/');
  const conversation = shown.id !== (id || '') ? route() : shown.stream ? null : reload();
  Promise.all([loadList(false), loadTasks(), conversation, models.list.length ? null : loadModels()]).catch(report);
}

addEventListener('keydown', (event) => {
  if (event.key === 'k' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    openSide(true);
    $('search').focus();
  } else if (event.key === 'Escape' && $('side').classList.contains('open')) {
    openSide(false);
    $('menu').focus();
  }
});

setInterval(() => {
  if (!document.hidden && connection.up && !$('app').hidden) loadTasks().catch(() => {});
}, 5000);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !$('app').hidden) Promise.all([loadList(false), loadTasks()]).catch(() => {});
});
addEventListener('pageshow', (event) => { if (event.persisted) refreshAll(); });

async function start() {
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  let why = '';
  if (code) {
    history.replaceState(null, '', location.pathname);
    await ask('POST', '/web/session', {code}).catch((error) => { why = error.message; });
  }
  let session;
  try {
    session = await ask('GET', '/web/session');
  } catch {
    return connection.back().then(start);
  }
  connection.local = session.local;
  if (!session.signed_in) return showDoor(why);
  await enter();
}
start().catch(report);
