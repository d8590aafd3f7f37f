// Renaming and deleting the conversation that is shown, and the other pages of this browser.

// undoTime is how long a deletion can be undone, in milliseconds.
const undoTime = 10000;

// deletions are the conversations that are hidden until they are deleted, by id.
const deletions = new Map();

$('manage').onclick = () => {
  $('name').value = shown.title;
  $('unsaved').textContent = '';
  confirmDeletion(false);
  $('managing').showModal();
  if (!touch.matches) $('name').select();
};

function confirmDeletion(asking) {
  $('renaming').hidden = asking;
  $('removing').hidden = !asking;
  if (!asking) return;
  $('question').textContent = `Delete “${shown.title || 'Untitled'}”? You can undo this for ${undoTime / 1000} seconds.${shown.stream ? ' Then the running answer is stopped.' : ''}`;
  $('question').focus();
}
$('remove').onclick = () => confirmDeletion(true);
$('unchanged').onclick = $('kept').onclick = () => $('managing').close();
$('managing').onclick = (event) => { if (event.target === $('managing')) $('managing').close(); }; // outside of it

$('renaming').onsubmit = async (event) => {
  event.preventDefault();
  const {id} = shown;
  try {
    const {title, updated_at: updated} = await ask('PATCH', `/conversations/${id}`, {title: $('name').value.trim()});
    $('managing').close();
    if (shown.id === id) Object.assign(shown, {title, updated});
    drawTitle();
    announce({id});
    await Promise.all([loadList(false), loadTasks()]);
  } catch (error) {
    $('unsaved').textContent = error.message;
  }
};

$('removing').onsubmit = (event) => {
  event.preventDefault();
  $('managing').close();
  const {id, title} = shown;
  deletions.set(id, {title: title || 'Untitled', timer: setTimeout(() => finishDeletion(id).catch(report), undoTime)});
  location.hash = '#/';
  drawDeletions();
  $('undo').querySelector('button').focus();
};

// drawDeletions hides what is being deleted, and offers to undo the last deletion.
function drawDeletions() {
  drawList();
  loadTasks().catch(report);
  const focused = $('undo').contains(document.activeElement);
  const last = [...deletions].filter(([, deletion]) => deletion.timer).at(-1);
  $('undo').replaceChildren(...last ? [`Deleted “${last[1].title}”. `, button('Undo', () => undoDeletion(last[0]))] : []);
  if (focused && last) $('undo').querySelector('button').focus();
  else if (focused) rest();
}

function undoDeletion(id) {
  clearTimeout(deletions.get(id).timer);
  deletions.delete(id);
  if (!shown.id) location.hash = `#/c/${id}`;
  drawDeletions();
}

async function finishDeletion(id) {
  const deletion = deletions.get(id);
  deletion.timer = 0;
  drawDeletions();
  try {
    await persist(() => ask('DELETE', `/conversations/${id}`), () => notify(`“${deletion.title}” will be deleted as soon as the server answers.`));
    announce({id});
  } catch (error) {
    if (error.code !== 'not_found') notify(`“${deletion.title}” was not deleted: ${error.message}`);
  } finally {
    deletions.delete(id);
    loadList(false).catch(report);
  }
}

// A page that is closed does not wait for the time to undo.
addEventListener('pagehide', () => {
  for (const [id, {timer}] of deletions) {
    clearTimeout(timer);
    fetch(`/conversations/${id}`, {method: 'DELETE', keepalive: true}).catch(() => {}); // nobody is here to see it
  }
  deletions.clear();
});

// The pages of this browser tell each other what they have changed.
const pages = new BroadcastChannel('chat');
const announce = (change) => pages.postMessage(change);
pages.onmessage = ({data}) => {
  if (data.signedOut) location.reload();
  else if (!$('app').hidden) Promise.all([loadList(false), loadTasks(), data.id === shown.id && !shown.stream ? reload() : null]).catch(report);
};
