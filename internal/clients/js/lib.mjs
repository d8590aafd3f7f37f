// What all scripts have in common: checks, and commands to the test that started them.
export const url = process.env.CHAT_URL;
export const token = process.env.CHAT_TOKEN;

const limit = 60_000;
let failed = 0;

// check runs one check, and prints its result.
export async function check(name, run) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${limit} ms`)), limit);
  });
  try {
    await Promise.race([run(), late]);
    console.log(`ok ${name}`);
  } catch (e) {
    failed++;
    console.log(`FAIL ${name}: ${String(e?.stack ?? e).replaceAll('\n', ' | ')}`);
  }
  clearTimeout(timer);
}

// done ends the script.
export function done() {
  process.exit(failed ? 1 : 0);
}

// control gives a command to the test; see control in script.go.
export async function control(command) {
  const res = await fetch(`${process.env.CONTROL}/${command}`, { method: 'POST' });
  if (!res.ok) throw new Error(`${command}: ${await res.text()}`);
  return res.json();
}

// lastCall returns what the provider recorded of the newest call.
export async function lastCall() {
  return (await control('calls')).at(-1);
}

// collect reads the rest of an iterable.
export async function collect(stream) {
  const list = [];
  for await (const x of stream) list.push(x);
  return list;
}

// textOf joins the deltas of a response's message since the last reset.
export function textOf(events) {
  let text = '';
  for (const e of events) {
    if (e.type === 'response.in_progress') text = '';
    if (e.type === 'response.output_text.delta') text += e.delta;
  }
  return text;
}

// arrival returns a promise that resolves when the returned callback was called n times.
export function arrival(n) {
  let resolve;
  const arrived = new Promise((done) => (resolve = done));
  return [arrived, () => --n === 0 && resolve()];
}

// read adds the events of a stream to seen, until it ends or is cut.
export async function read(stream, seen, onEvent = () => {}) {
  try {
    for await (const e of stream) {
      seen.push(e);
      onEvent();
    }
    return 'ended';
  } catch {
    return 'cut';
  }
}

// resume reads the rest of a response, over as many connections as it takes.
export async function resume(openai, id, seen) {
  while (!['response.completed', 'response.incomplete', 'response.failed'].includes(seen.at(-1)?.type)) {
    const after = seen.length ? { starting_after: seen.at(-1).sequence_number } : {};
    await read(await openai.responses.retrieve(id, { stream: true, ...after }), seen);
  }
}
