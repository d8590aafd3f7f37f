// The next message.

const draft = {files: [], parent: '', sending: false};

const draftKey = () => `draft:${shown.id}`;

function loadDraft() {
  $('input').value = localStorage.getItem(draftKey()) || '';
  draft.parent = '';
  draft.files = [];
  notify('');
  drawFiles();
  grow();
}

function saveDraft() {
  if ($('input').value) localStorage.setItem(draftKey(), $('input').value);
  else localStorage.removeItem(draftKey());
}

function grow() {
  $('input').style.height = 'auto';
  $('input').style.height = `${$('input').scrollHeight + 2}px`;
}

function notify(text, ...more) {
  $('notice').replaceChildren(text, ...more);
}

// report shows an error to the user.
function report(error) {
  if (error instanceof Away || error.status === 401) return; // shown elsewhere
  notify(error.message);
  if (!(error instanceof Problem)) throw error;
}

// rest moves the focus to where it is of use when its element is gone. On a phone the message
// would open the keyboard.
const rest = () => $(touch.matches ? 'messages' : 'input').focus({preventScroll: true});

function drawComposer() {
  const focused = [$('stop'), $('send')].find((b) => b === document.activeElement);
  $('stop').hidden = !shown.stream;
  $('send').hidden = Boolean(shown.stream);
  $('send').disabled = draft.sending || draft.files.some((file) => !file.part);
  if (focused?.hidden || focused?.disabled) rest();
}

// edit begins a message that replaces m in a new branch.
function edit(m) {
  $('input').value = m.parts.filter((part) => part.type === 'text').map((part) => part.text).join('');
  draft.files = m.parts.filter((part) => part.digest).map((part) => ({name: part.name, part: {type: part.type, name: part.name, digest: part.digest}}));
  draft.parent = m.parent_id || 'root';
  drawFiles();
  grow();
  notify('You are editing a message: the answer begins a new branch. ', button('Cancel', loadDraft));
  $('input').focus();
}

async function send() {
  const text = $('input').value;
  if (draft.sending || shown.stream || (!text.trim() && !draft.files.length) || draft.files.some((file) => !file.part)) return;
  const parts = draft.files.map((file) => file.part);
  const body = parts.length ? {parts: text.trim() ? [...parts, {type: 'text', text}] : parts} : {content: text};
  if (shown.id) body.conversation_id = shown.id;
  else body.model_title = true;
  if (draft.parent) body.parent_id = draft.parent;
  else if (shown.id && shown.leaf) body.parent_id = shown.leaf;
  Object.assign(body, modelChoice());
  draft.sending = true;
  drawComposer();
  try {
    const accepted = await submit(body);
    const now = $('input').value;
    localStorage.removeItem(draftKey());
    shown.id = accepted.conversation_id;
    history.replaceState(null, '', `#/c/${shown.id}`);
    loadDraft();
    if (now.length > text.length && now.startsWith(text)) { // typed meanwhile
      $('input').value = now.slice(text.length);
      saveDraft();
      grow();
    }
    await show(shown.id, {through: accepted.message_id});
    announce({id: shown.id});
    await Promise.all([loadList(false), loadTasks()]);
  } catch (error) {
    if (error.code === 'conversation_busy') await reload(); // another page was faster
    throw error;
  } finally {
    draft.sending = false;
    drawComposer();
  }
}

// submit sends a message until the server has it: the key makes a repetition harmless.
async function submit(body) {
  const key = randomKey();
  const accepted = await persist(() => ask('POST', '/messages', body, {'Idempotency-Key': key}), () => notify('Your message will be sent as soon as the server answers.'));
  notify('');
  return accepted;
}

async function attach(files) {
  for (const data of files) {
    const file = {name: data.name || 'image', preview: data.type.startsWith('image/') ? URL.createObjectURL(data) : ''};
    draft.files.push(file);
    drawFiles();
    drawComposer();
    try {
      const stored = await ask('POST', '/attachments', data);
      file.part = {type: stored.media_type.startsWith('image/') ? 'image' : 'file', name: file.name, digest: stored.digest};
    } catch (error) {
      draft.files = draft.files.filter((other) => other !== file);
      notify(`${file.name}: ${error.message}`);
    }
    drawFiles();
    drawComposer();
  }
}

function drawFiles() {
  $('files').replaceChildren(...draft.files.map((file) => make('li', {},
    file.preview ? make('img', {src: file.preview, alt: ''}) : null, make('span', {}, file.part ? file.name : `${file.name}: uploading…`),
    button('✕', () => {
      draft.files = draft.files.filter((other) => other !== file);
      drawFiles();
      drawComposer();
    }, {'aria-label': `Remove ${file.name}`}))));
}

$('composer').onsubmit = (event) => { event.preventDefault(); send().catch(report); };
$('input').oninput = () => { grow(); saveDraft(); };
$('input').onkeydown = (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && !touch.matches) {
    event.preventDefault();
    send().catch(report);
  }
};
$('input').onpaste = (event) => {
  if (!event.clipboardData.files.length) return;
  event.preventDefault();
  attach(event.clipboardData.files).catch(report);
};
$('attach').onclick = () => $('file').click();
$('file').onchange = () => { attach([...$('file').files]).catch(report); $('file').value = ''; };
$('stop').onclick = async () => {
  if (shown.stream) await ask('POST', `/tasks/${shown.stream.taskID}/cancel`).catch(report);
};
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length && !$('app').hidden) attach(event.dataTransfer.files).catch(report);
});

// models are those of the server; chosen is the one for new conversations.
const models = {list: [], standard: '', chosen: ''};

async function loadModels() {
  const {models: list, notice} = await ask('GET', '/models');
  Object.assign(models, {list, standard: list.find((model) => model.default)?.id || ''});
  drawModels();
  if (!list.length && notice) notify(notice);
}

// drawModels offers the models, and selects that of the conversation.
function drawModels() {
  const ids = models.list.map((model) => model.id);
  const wanted = shown.id ? shown.model || models.standard : models.chosen || models.standard;
  if (wanted && !ids.includes(wanted)) ids.unshift(wanted);
  if (!models.standard) ids.unshift('');
  $('model').replaceChildren(...ids.map((id) => make('option', {value: id}, id === models.standard ? `${id || 'Model'} (default)` : id)));
  $('model').value = wanted;
}
$('model').onchange = () => { if (!shown.id) models.chosen = $('model').value; };

// modelChoice returns the part of a request that names the model, if it is another than usual.
function modelChoice() {
  const id = $('model').value;
  return id && id !== (shown.id && shown.model || models.standard) ? {model: id} : {};
}
