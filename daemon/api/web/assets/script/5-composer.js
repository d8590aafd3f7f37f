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

function drawComposer() {
  const lost = [$('stop'), $('send')].includes(document.activeElement);
  $('stop').hidden = !shown.stream;
  $('send').hidden = Boolean(shown.stream);
  $('send').disabled = draft.sending || draft.files.some((file) => !file.part);
  if (lost && document.activeElement.hidden !== false) $('input').focus(); // its button is hidden now
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
  if (draft.parent) body.parent_id = draft.parent;
  else if (shown.id && shown.messages.length) body.parent_id = shown.messages.at(-1).id;
  if ($('model').value) body.model = $('model').value;
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
    await show(shown.id, accepted.message_id);
    await Promise.all([loadList(false), loadTasks()]);
  } finally {
    draft.sending = false;
    drawComposer();
  }
}

// submit sends a message until the server has it: the key makes a repetition harmless.
async function submit(body) {
  const key = randomKey();
  for (;;) {
    try {
      const accepted = await ask('POST', '/messages', body, {'Idempotency-Key': key});
      notify('');
      return accepted;
    } catch (error) {
      if (!(error instanceof Away) && !error.retryable) throw error;
      notify('Your message will be sent as soon as the server answers.');
      if (error.retryable) connection.lost(error.message);
      await connection.back();
    }
  }
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

const touch = matchMedia('(pointer: coarse)');
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
  if (event.dataTransfer.files.length) attach(event.dataTransfer.files).catch(report);
});

async function loadModels() {
  const {models} = await ask('GET', '/models');
  const standard = models.find((model) => model.default);
  $('model').replaceChildren(make('option', {value: ''}, standard ? `Default: ${standard.id}` : 'Default model'),
    ...models.filter((model) => !model.default).map((model) => make('option', {value: model.id}, model.id)));
}
