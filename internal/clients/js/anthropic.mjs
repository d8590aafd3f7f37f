// npm's @anthropic-ai/sdk against the scripted server, and npm's openai against chatd in front of it.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { check, collect, done, token, url } from './lib.mjs';

const anthropic = new Anthropic({ baseURL: process.env.ANTHROPIC_URL, apiKey: process.env.ANTHROPIC_TEST_KEY, maxRetries: 0 });
const params = { model: 'claude-test', max_tokens: 100, messages: [{ role: 'user', content: 'hello' }] };

// facts are the fields of a message's blocks.
function facts(message) {
  return message.content.map((b) => [b.type, b.text, b.thinking, b.signature, b.data, b.id, b.name, b.input]);
}

let whole;

await check('whole', async () => {
  whole = await anthropic.messages.create(params);
  assert.deepEqual(whole.content.map((b) => b.type), ['thinking', 'redacted_thinking', 'text', 'tool_use', 'tool_use']);
  assert.equal(whole.stop_reason, 'tool_use');
});

await check('streamed', async () => {
  const message = await anthropic.messages.stream(params).finalMessage();
  assert.deepEqual(facts(message), facts(whole));
  assert.equal(message.stop_reason, whole.stop_reason);
  assert.equal(message.usage.output_tokens, whole.usage.output_tokens);
});

await check('models', async () => {
  const ids = (await collect(anthropic.models.list())).map((m) => m.id);
  assert.deepEqual(ids, ['claude-test']);
});

await check('errors', async () => {
  await assert.rejects(anthropic.messages.create({ ...params, messages: [] }), Anthropic.BadRequestError);
  await assert.rejects(new Anthropic({ baseURL: process.env.ANTHROPIC_URL, apiKey: 'wrong', maxRetries: 0 }).messages.create(params), Anthropic.AuthenticationError);
});

await check('through chatd', async () => {
  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: token });
  const answer = await openai.chat.completions.create({
    model: 'anthropic/claude-test',
    messages: [{ role: 'user', content: 'hello' }],
    tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }],
  });
  const said = answer.choices[0].message;
  assert.equal(said.content, whole.content[2].text);
  assert.deepEqual(said.tool_calls.map((c) => [c.id, c.function.name, JSON.parse(c.function.arguments)]), whole.content.slice(3).map((b) => [b.id, b.name, b.input]));
  assert.equal(answer.usage.prompt_tokens, 125);
});

done();
