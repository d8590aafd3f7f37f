// The WebSocket client and the compaction of npm's openai against one chatd.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { check, collect, control, done, lastCall, textOf, token, url } from './lib.mjs';
import { open } from './responses-socket.mjs';

const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: token });

// fails returns the error of a request that must fail.
async function fails(turn) {
  const error = await turn.then(() => assert.fail('it did not fail'), (e) => e);
  assert.equal(error.type, 'error', String(error.stack ?? error));
  return error;
}

await check('responses one after the other', async () => {
  const { socket, turn } = open(openai);
  for (const chunks of [5, 20]) {
    const events = await turn({ input: `lie: chunks=${chunks} reasoning=3` });
    assert.deepEqual(events.map((e) => e.sequence_number), events.map((_, i) => i));
    assert.equal(textOf(events), (await lastCall()).sent);
    const { id } = events[0].response;
    assert.deepEqual(await collect(await openai.responses.retrieve(id, { stream: true })), events);
  }
  socket.close();
});

await check('a chain that is not stored', async () => {
  const { socket, turn } = open(openai);
  const one = (await turn({ store: false, input: 'lie: chunks=1' })).at(-1).response;
  const two = (await turn({ store: false, input: 'lie: chunks=2', previous_response_id: one.id })).at(-1).response;
  assert.equal((await lastCall()).messages, 3);
  const missing = await fails(turn({ store: false, input: 'x', previous_response_id: one.id }));
  assert.equal(missing.error.code, 'previous_response_not_found');
  assert.equal(missing.error.param, 'previous_response_id');
  assert.equal(missing.status, 400);
  await turn({ store: false, input: 'lie: chunks=1', previous_response_id: two.id });
  assert.equal((await lastCall()).messages, 5);
  socket.close();
});

await check('a failed response and a wrong request', async () => {
  const { socket, turn } = open(openai);
  const failed = await turn({ input: 'lie: status=400 message=no' });
  assert.equal(failed.at(-1).type, 'response.failed');
  assert.equal((await fails(turn({ model: 'nonsense', input: 'x' }))).error.code, 'provider_model');
  assert.equal(textOf(await turn({ input: 'lie: chunks=2' })), (await lastCall()).sent);
  socket.close();
});

await check('a socket that is cut in mid-answer', async () => {
  const { length } = await control('calls');
  const { socket, turn } = open(openai);
  const cut = turn({ store: false, input: 'lie: chunks=10 gate' }, (e) => e.type === 'response.output_text.delta' && socket.socket.close());
  await control('step?n=5');
  const { events } = await cut.catch((e) => e);
  await control('step?n=5');
  const rest = await collect(await openai.responses.retrieve(events[0].response.id, { stream: true, starting_after: events.at(-1).sequence_number }));
  assert.equal(rest.at(-1).type, 'response.completed');
  assert.equal(textOf([...events, ...rest]), (await lastCall()).sent);
  assert.equal((await control('calls')).length, length + 1);
});

await check('a compacted conversation', async () => {
  const input = [
    { role: 'user', content: 'lie: chunks=3' }, { role: 'assistant', content: 'c0t0 c0t1 c0t2' }, { role: 'user', content: 'Thank you.' },
  ];
  const compacted = await openai.responses.compact({ model: 'lying', input });
  const summary = (await lastCall()).sent;
  assert.equal(compacted.object, 'response.compaction');
  assert.deepEqual(compacted.output.map((i) => i.type), ['message', 'message', 'compaction']);
  assert.ok(compacted.usage.total_tokens > 0);
  assert.equal((await openai.responses.retrieve(compacted.id)).output_text, summary);
  const { socket, turn } = open(openai);
  await turn({ store: false, input: [...compacted.output, { role: 'user', content: 'lie: chunks=1' }] });
  assert.equal((await lastCall()).messages, 3); // the user's messages, the summary, and the question
  await fails(turn({ input: [{ type: 'compaction', encrypted_content: 'gAAAAABpM0Yj' }, { role: 'user', content: 'x' }] }));
  socket.close();
});

done();
