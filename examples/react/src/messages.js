export const api = '/api/chat';

// load returns the messages of a chat. An answer that is being made is not among them:
// useChat gets it with resume.
export async function load(id) {
  const res = await fetch(`${api}/${encodeURIComponent(id)}`);
  if (!res.ok) throw new Error(`the messages could not be loaded: ${res.status}`);
  return res.json();
}

// stop ends the answer of a chat. The function stop of useChat only disconnects.
export async function stop(id) {
  const res = await fetch(`${api}/${encodeURIComponent(id)}/stop`, { method: 'POST' });
  if (!res.ok) throw new Error(`the answer could not be stopped: ${res.status}`);
}
