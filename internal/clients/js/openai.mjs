// npm's openai against one chatd.
import assert from 'node:assert/strict';
import OpenAI, { APIError } from 'openai';
import { check, collect, control, done, lastCall, textOf, token, url } from './lib.mjs';

const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: token });
const pixel = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const weather = { city: 'Oslo' };
const args = encodeURIComponent(JSON.stringify(weather));
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };

// fails returns the error of a call that must fail.
async function fails(type, call) {
  try {
    await call;
  } catch (e) {
    assert.ok(e instanceof type, `${e?.constructor?.name}: ${e}`);
    return e;
  }
  throw new Error('it did not fail');
}

// ended polls a response until it has ended.
async function ended(id) {
  for (;;) {
    const r = await openai.responses.retrieve(id);
    if (r.status !== 'queued' && r.status !== 'in_progress') return r;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

await check('models', async () => {
  const ids = (await collect(openai.models.list())).map((m) => m.id);
  assert.ok(ids.some((id) => id.includes('lying')), ids.join());
  assert.equal((await openai.models.retrieve(ids[0])).id, ids[0]);
  await fails(OpenAI.NotFoundError, openai.models.retrieve('nonsense'));
});

await check('create', async () => {
  const { data: r, response } = await openai.responses
    .create({ model: 'lying', input: 'lie: chunks=5 reasoning=2', instructions: 'Be brief.', metadata: { a: 'b' } })
    .withResponse();
  const call = await lastCall();
  assert.equal(r.output_text, call.sent);
  assert.equal(r.status, 'completed');
  assert.deepEqual(r.output.map((o) => o.type), ['reasoning', 'message']);
  assert.equal(r.output[0].summary[0].text, call.reasoning);
  assert.deepEqual(r.usage.total_tokens, r.usage.input_tokens + r.usage.output_tokens);
  assert.equal(r.instructions, 'Be brief.');
  assert.deepEqual(r.metadata, { a: 'b' });
  assert.equal(r.id, 'resp_' + response.headers.get('chat-task-id').replaceAll('-', ''));
  assert.equal(call.messages, 2); // the instructions, too
});

await check('stream', async () => {
  const events = await collect(await openai.responses.create({ model: 'lying', input: 'lie: chunks=20 reasoning=3', stream: true }));
  assert.deepEqual(events.map((e) => e.sequence_number), events.map((_, i) => i));
  assert.equal(textOf(events), (await lastCall()).sent);
  assert.deepEqual(events.slice(0, 4).map((e) => e.type), [
    'response.created', 'response.in_progress', 'response.output_item.added', 'response.reasoning_summary_part.added',
  ]);
  assert.equal(events.at(-1).type, 'response.completed');
});

await check('stream helper', async () => {
  const stream = openai.responses.stream({ model: 'lying', input: 'lie: chunks=20 reasoning=3' });
  let text = '';
  stream.on('response.output_text.delta', (e) => (text += e.delta));
  const r = await stream.finalResponse();
  assert.equal(r.output_text, (await lastCall()).sent);
  assert.equal(text, r.output_text);
});

await check('background and retrieve', async () => {
  const r = await openai.responses.create({ model: 'lying', input: 'lie: chunks=5 pace=5ms', background: true });
  assert.ok(['queued', 'in_progress'].includes(r.status), r.status);
  assert.equal(r.background, true);
  const end = await ended(r.id);
  assert.equal(end.status, 'completed');
  assert.equal(end.output_text, (await lastCall()).sent);
});

await check('retrieve a stream from every sequence number', async () => {
  const all = await collect(await openai.responses.create({ model: 'lying', input: 'lie: chunks=100 reasoning=5 pace=1ms', stream: true }));
  assert.ok(all.length > 60, `${all.length} events`);
  const { id } = all[0].response;
  assert.deepEqual(await collect(await openai.responses.retrieve(id, { stream: true })), all);
  for (let n = 0; n < all.length; n++) {
    const rest = await collect(await openai.responses.retrieve(id, { stream: true, starting_after: n }));
    assert.deepEqual(rest, all.slice(n + 1));
  }
});

await check('the helper replays an ended response', async () => {
  const all = await collect(await openai.responses.create({ model: 'lying', input: 'lie: chunks=30', stream: true }));
  const { id } = all[0].response;
  for (const n of [0, 5, all.length - 2]) {
    const stream = openai.responses.stream({ response_id: id, starting_after: n });
    const rest = await collect(stream);
    assert.deepEqual(rest.map((e) => e.sequence_number), all.slice(n + 1).map((e) => e.sequence_number));
    assert.equal((await stream.finalResponse()).output_text, textOf(all));
  }
});

await check('leave a running response and come back', async () => {
  const { length } = await control('calls');
  const stream = await openai.responses.create({ model: 'lying', input: 'lie: chunks=20 gate', background: true, stream: true });
  await control('step?n=10');
  const seen = [];
  for await (const e of stream) {
    seen.push(e);
    if (e.type === 'response.output_text.delta') break; // this closes the connection
  }
  await control(`sent?call=${length + 1}&tokens=10`);
  const start = Date.now();
  const again = await openai.responses.retrieve(seen[0].response.id, { stream: true, starting_after: seen.at(-1).sequence_number });
  assert.ok(Date.now() - start < 10_000, 'the stream begins before the first event, and before a comment that keeps it open');
  await control('step?n=10');
  seen.push(...(await collect(again)));
  assert.deepEqual(seen.map((e) => e.sequence_number), seen.map((_, i) => i));
  assert.equal(textOf(seen), (await lastCall()).sent);
});

await check('cancel', async () => {
  const { length } = await control('calls');
  const running = await openai.responses.create({ model: 'lying', input: 'lie: chunks=20 gate', background: true });
  const reading = collect(await openai.responses.retrieve(running.id, { stream: true }));
  await control('step?n=3');
  await control(`sent?call=${length + 1}&tokens=3`);
  assert.equal((await openai.responses.retrieve(running.id)).status, 'in_progress');
  for (let i = 0; i < 2; i++) {
    assert.equal((await openai.responses.cancel(running.id)).status, 'cancelled');
  }
  const events = await reading;
  assert.equal(events.at(-1).type, 'response.incomplete');
  assert.equal(events.at(-1).response.status, 'cancelled');
  const end = await ended(running.id);
  assert.equal(end.status, 'cancelled');
  assert.equal(end.output_text, textOf(events));
  assert.equal((await openai.responses.cancel(running.id)).status, 'cancelled');
  await control(`gone?call=${length + 1}`);
  // The helper accepts it, too.
  const again = await collect(openai.responses.stream({ response_id: running.id }));
  assert.deepEqual(again.map((e) => e.type), events.map((e) => e.type));
});

await check('delete', async () => {
  const r = await openai.responses.create({ model: 'lying', input: 'lie: chunks=1' });
  await openai.responses.delete(r.id);
  const e = await fails(OpenAI.NotFoundError, openai.responses.retrieve(r.id));
  assert.equal(e.status, 404);
  assert.equal(e.code, 'not_found');
});

await check('previous_response_id', async () => {
  const one = await openai.responses.create({ model: 'lying', input: 'lie: chunks=1' });
  const two = await openai.responses.create({ model: 'lying', input: 'lie: chunks=2', previous_response_id: one.id });
  assert.equal(two.previous_response_id, one.id);
  assert.equal((await lastCall()).messages, 3);
  const branch = await openai.responses.create({ model: 'lying', input: 'lie: chunks=3', previous_response_id: one.id });
  assert.equal((await lastCall()).messages, 3);
  const items = await collect(openai.responses.inputItems.list(branch.id, { order: 'asc' }));
  assert.deepEqual(items.map((i) => [i.type, i.role, i.content[0].text]), [
    ['message', 'user', 'lie: chunks=1'], ['message', 'assistant', one.output_text], ['message', 'user', 'lie: chunks=3'],
  ]);
});

await check('store: false', async () => {
  const one = await openai.responses.create({ model: 'lying', input: 'lie: chunks=1', store: false });
  assert.equal(one.store, false);
  const call = await lastCall();
  const two = await openai.responses.create({
    model: 'lying', store: false, input: [{ role: 'user', content: 'lie: chunks=1' }, ...one.output, { role: 'user', content: 'lie: chunks=2' }],
  });
  assert.equal((await lastCall()).messages, call.messages + 2);
  assert.equal(two.status, 'completed');
});

await check('function tools', async () => {
  const tools = [{ type: 'function', name: 'get_weather', description: 'The weather.', parameters, strict: true }];
  const input = [{ role: 'user', content: `lie: chunks=2 tool=get_weather args=${args}` }];
  const whole = await openai.responses.create({ model: 'lying', input, tools });
  const call = whole.output.find((o) => o.type === 'function_call');
  assert.equal(call.name, 'get_weather');
  assert.deepEqual(JSON.parse(call.arguments), weather);
  assert.deepEqual(whole.tools.map((t) => t.name), ['get_weather']);

  const events = await collect(openai.responses.stream({ model: 'lying', input, tools }));
  assert.ok(events.some((e) => e.type === 'response.function_call_arguments.delta'));
  const finished = events.find((e) => e.type === 'response.function_call_arguments.done');
  assert.deepEqual(JSON.parse(finished.arguments), weather);

  const result = { type: 'function_call_output', call_id: call.call_id, output: '7 °C' };
  const after = await openai.responses.create({ model: 'lying', input: [...input, ...whole.output, result], tools });
  assert.equal(after.output_text, (await lastCall()).sent);
  const chained = await openai.responses.create({ model: 'lying', input: [result], previous_response_id: whole.id, tools });
  assert.equal(chained.output_text, (await lastCall()).sent);
  assert.equal((await lastCall()).messages, 3);
});

await check('images', async () => {
  const content = [{ type: 'input_text', text: 'lie: chunks=1' }, { type: 'input_image', image_url: pixel, detail: 'auto' }];
  const r = await openai.responses.create({ model: 'lying', input: [{ role: 'user', content }] });
  assert.deepEqual((await lastCall()).images, [pixel]);
  const items = await collect(openai.responses.inputItems.list(r.id));
  assert.ok(items[0].content.some((c) => c.type === 'input_image' && c.image_url === pixel));
  content[1].image_url = 'https://example.com/a.png';
  const e = await fails(OpenAI.BadRequestError, openai.responses.create({ model: 'lying', input: [{ role: 'user', content }] }));
  assert.match(e.message, /data URL/);
});

await check('structured output', async () => {
  const format = { type: 'json_schema', name: 'weather', schema: parameters, strict: true };
  const r = await openai.responses.parse({ model: 'lying', input: `lie: chunks=1 text=${args}`, text: { format } });
  assert.deepEqual(JSON.parse(r.output_text), weather);
  assert.equal(r.text.format.name, 'weather');
});

await check('length and refusal', async () => {
  const r = await openai.responses.create({ model: 'lying', input: 'lie: chunks=3 finish=length', max_output_tokens: 16 });
  assert.equal(r.status, 'incomplete');
  assert.equal(r.incomplete_details.reason, 'max_output_tokens');
  assert.equal(r.max_output_tokens, 16);
});

await check('errors', async () => {
  const wrong = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'wrong' });
  const e = await fails(OpenAI.AuthenticationError, wrong.models.list());
  assert.deepEqual([e.status, e.code, e.type], [401, 'unauthorized', 'authentication_error']);
  const unknown = await fails(OpenAI.BadRequestError, openai.responses.create({ model: 'nonsense', input: 'x' }));
  assert.deepEqual([unknown.status, unknown.code, unknown.type], [400, 'provider_model', 'invalid_request_error']);
  await fails(OpenAI.NotFoundError, openai.responses.retrieve('resp_nonsense'));
  await fails(OpenAI.BadRequestError, openai.responses.create({ model: 'lying', input: 'x', tools: [{ type: 'web_search' }] }));
  const failed = await openai.responses.create({ model: 'lying', input: 'lie: status=400 message=no' });
  assert.equal(failed.status, 'failed');
  assert.ok(failed.error.message && failed.error.code, JSON.stringify(failed.error));
  const events = await collect(await openai.responses.create({ model: 'lying', input: 'lie: status=400', stream: true }));
  assert.equal(events.at(-1).type, 'response.failed');
});

await check('a conflict is not repeated', async () => {
  let requests = 0;
  const counting = new OpenAI({
    baseURL: `${url}/v1`, apiKey: token,
    fetch: (...a) => {
      requests++;
      return fetch(...a);
    },
  });
  const before = await control('calls');
  const one = await openai.responses.create({ model: 'lying', input: 'lie: chunks=5 gate', background: true });
  const e = await fails(OpenAI.ConflictError, counting.responses.create({ model: 'lying', input: 'x', previous_response_id: one.id }));
  assert.equal(e.code, 'conversation_busy');
  assert.ok(e instanceof APIError);
  assert.equal(requests, 1);
  await control('step?n=5');
  assert.equal((await ended(one.id)).status, 'completed');
  assert.equal((await control('calls')).length, before.length + 1);
});

await check('the same idempotency key pays once', async () => {
  const before = await control('calls');
  const body = { model: 'lying', input: 'lie: chunks=3' };
  const one = await openai.responses.create(body, { headers: { 'Idempotency-Key': 'once' } });
  const two = await openai.responses.create(body, { headers: { 'Idempotency-Key': 'once' } });
  assert.equal(one.id, two.id);
  assert.equal(one.output_text, two.output_text);
  assert.equal((await control('calls')).length, before.length + 1);
});

await check('chat completion', async () => {
  const messages = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'lie: chunks=4 reasoning=1' }];
  const c = await openai.chat.completions.create({ model: 'lying', messages });
  assert.equal(c.choices[0].message.content, (await lastCall()).sent);
  assert.equal(c.choices[0].finish_reason, 'stop');
  assert.ok(c.usage.total_tokens > 0);
});

await check('chat completion, streamed', async () => {
  const messages = [{ role: 'user', content: 'lie: chunks=10' }];
  const chunks = await collect(await openai.chat.completions.create({ model: 'lying', messages, stream: true, stream_options: { include_usage: true } }));
  assert.equal(chunks.map((c) => c.choices[0]?.delta.content ?? '').join(''), (await lastCall()).sent);
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  assert.equal(chunks.at(-2).choices[0].finish_reason, 'stop');
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.ok(chunks.at(-1).usage.total_tokens > 0);
  const stream = openai.chat.completions.stream({ model: 'lying', messages });
  assert.equal(await stream.finalContent(), (await lastCall()).sent);
});

await check('chat completion with tools', async () => {
  const tools = [{ type: 'function', function: { name: 'get_weather', parameters } }];
  const messages = [{ role: 'user', content: `lie: chunks=2 tool=get_weather args=${args}` }];
  const c = await openai.chat.completions.create({ model: 'lying', messages, tools });
  assert.equal(c.choices[0].finish_reason, 'tool_calls');
  assert.deepEqual(JSON.parse(c.choices[0].message.tool_calls[0].function.arguments), weather);
  const final = await openai.chat.completions.stream({ model: 'lying', messages, tools }).finalMessage();
  assert.deepEqual(JSON.parse(final.tool_calls[0].function.arguments), weather);
  let asked;
  const runner = openai.chat.completions.runTools({
    model: 'lying', messages, stream: true,
    tools: [{ type: 'function', function: { name: 'get_weather', parameters, parse: JSON.parse, function: (a) => ((asked = a), '7 °C') } }],
  });
  assert.equal(await runner.finalContent(), (await lastCall()).sent);
  assert.deepEqual(asked, weather);
});

await check('chat completion with images and errors', async () => {
  const content = [{ type: 'text', text: 'lie: chunks=1' }, { type: 'image_url', image_url: { url: pixel } }];
  await openai.chat.completions.create({ model: 'lying', messages: [{ role: 'user', content }] });
  assert.deepEqual((await lastCall()).images, [pixel]);
  await fails(OpenAI.BadRequestError, openai.chat.completions.create({ model: 'lying', messages: [{ role: 'user', content: 'x' }], n: 2 }));
  const before = await control('calls');
  const messages = [{ role: 'user', content: 'lie: status=400 message=no' }];
  const e = await fails(APIError, openai.chat.completions.create({ model: 'lying', messages }));
  assert.ok(e.code.startsWith('provider'), e.code);
  await fails(APIError, collect(await openai.chat.completions.create({ model: 'lying', messages, stream: true })));
  assert.equal((await control('calls')).length, before.length + 2); // nothing was repeated
});

done();
