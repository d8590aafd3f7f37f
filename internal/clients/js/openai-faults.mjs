// npm's openai while processes are killed. The API and the worker are processes of their own.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { arrival, check, collect, control, done, lastCall, read, resume, textOf, token, url } from './lib.mjs';
import { open } from './responses-socket.mjs';

const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: token });

function contiguous(events) {
  assert.deepEqual(events.map((e) => e.sequence_number), events.map((_, i) => i));
}

await check('the API process is killed in mid-stream', async () => {
  const { length } = await control('calls');
  const stream = await openai.responses.create({ model: 'lying', input: 'lie: chunks=30 gate', background: true, stream: true });
  const seen = [];
  const [arrived, onEvent] = arrival(5); // the first with text
  const reading = read(stream, seen, onEvent);
  await control('step?n=15');
  await control(`sent?call=${length + 1}&tokens=15`);
  await arrived;
  await control('restart-api');
  assert.equal(await reading, 'cut');
  assert.ok(seen.length > 2 && seen.length < 40, `${seen.length} events`);
  await control('step?n=15');
  await resume(openai, seen[0].response.id, seen);
  contiguous(seen);
  assert.equal(textOf(seen), (await lastCall()).sent);
  assert.equal((await control('calls')).length, length + 1);
});

await check('the API process is killed with a socket', async () => {
  const compacted = await openai.responses.compact({ model: 'lying', input: 'lie: chunks=3' });
  const { length } = await control('calls');
  const { turn } = open(openai);
  const [arrived, onEvent] = arrival(5);
  const cut = turn({ input: [...compacted.output, { role: 'user', content: 'lie: chunks=30 gate' }], store: false }, onEvent).catch((e) => e);
  await control('step?n=15');
  await control(`sent?call=${length + 1}&tokens=15`);
  await arrived;
  await control('restart-api');
  const { events, message } = await cut;
  assert.equal(message, 'cut');
  await control('step?n=15');
  await resume(openai, events[0].response.id, events);
  contiguous(events);
  assert.equal(textOf(events), (await lastCall()).sent);
  assert.equal((await control('calls')).length, length + 1);
  await openai.responses.create({ model: 'lying', input: [...compacted.output, { role: 'user', content: 'lie: chunks=1' }] });
  assert.equal((await lastCall()).messages, 3); // another process knows the compaction
});

let restarted;

await check('the worker is killed in mid-stream', async () => {
  const { length } = await control('calls');
  const stream = await openai.responses.create({ model: 'lying', input: 'lie: chunks=30 reasoning=2 pace=10ms hang=15 fail=1', background: true, stream: true });
  const seen = [];
  const reading = read(stream, seen);
  await control(`sent?call=${length + 1}&tokens=17`);
  await control('restart-worker');
  await reading;
  await resume(openai, seen[0].response.id, seen);
  contiguous(seen);
  restarted = seen;
  const calls = await control('calls');
  assert.equal(calls.length, length + 2);
  assert.equal(textOf(seen), calls.at(-1).sent);
  // The item that was being made is closed, and everything before the reset is void.
  const reset = seen.findLastIndex((e) => e.type === 'response.in_progress');
  assert.ok(reset > 10, `the reset is event ${reset}`);
  assert.equal(seen[reset - 1].type, 'response.output_item.done');
  assert.equal(seen[reset - 1].item.status, 'incomplete');
  assert.deepEqual(seen[reset].response.output, []);
  const whole = await openai.responses.retrieve(seen[0].response.id);
  assert.equal(whole.output_text, calls.at(-1).sent);
  assert.deepEqual(whole.output, seen.at(-1).response.output);
});

await check('every sequence number around a reset', async () => {
  const { id } = restarted[0].response;
  for (let n = 0; n < restarted.length; n++) {
    const rest = await collect(await openai.responses.retrieve(id, { stream: true, starting_after: n }));
    assert.deepEqual(rest, restarted.slice(n + 1));
  }
});

await check('the helper reads a response with a reset', async () => {
  const stream = openai.responses.stream({ response_id: restarted[0].response.id });
  const types = (await collect(stream)).map((e) => e.type);
  assert.deepEqual(types, restarted.map((e) => e.type));
  assert.equal((await stream.finalResponse()).output_text, textOf(restarted));
});

done();
