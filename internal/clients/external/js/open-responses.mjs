// The AI SDK with @ai-sdk/open-responses.
import assert from 'node:assert/strict';
import { createOpenResponses } from '@ai-sdk/open-responses';
import { generateText, isStepCount, Output, streamText, tool } from 'ai';
import { z } from 'zod';
import { check, control, done, lastCall, token, url } from './lib.mjs';

const provider = createOpenResponses({ name: 'chatd', url: `${url}/v1/responses`, apiKey: token });
const model = provider('lying');
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

await check('generateText', async () => {
  const r = await generateText({ model, instructions: 'Be brief.', prompt: 'lie: chunks=5 reasoning=2' });
  const call = await lastCall();
  assert.equal(r.text, call.sent);
  assert.equal(r.reasoningText, call.reasoning);
  assert.equal(r.finishReason, 'stop');
  assert.ok(r.usage.totalTokens > 0);
  assert.equal(call.messages, 2);
});

await check('streamText', async () => {
  const r = streamText({ model, prompt: 'lie: chunks=30 reasoning=2 pace=2ms', onError: () => {} });
  let text = '';
  for await (const piece of r.textStream) text += piece;
  assert.equal(text, (await lastCall()).sent);
  assert.equal(await r.finishReason, 'stop');
});

await check('several turns', async () => {
  const messages = [{ role: 'user', content: 'lie: chunks=2' }];
  const one = await generateText({ model, messages });
  messages.push(...one.response.messages, { role: 'user', content: 'lie: chunks=3' });
  const two = await generateText({ model, messages });
  assert.equal(two.text, (await lastCall()).sent);
  assert.equal((await lastCall()).messages, 3);
});

await check('a tool is called, and its result goes back', async () => {
  const asked = [];
  const r = await generateText({
    model, stopWhen: isStepCount(3),
    prompt: `lie: chunks=2 tool=weather args=${encodeURIComponent('{"city":"Oslo"}')}`,
    tools: {
      weather: tool({
        description: 'The weather in a city.', inputSchema: z.object({ city: z.string() }),
        execute: async ({ city }) => {
          asked.push(city);
          return { celsius: 7 };
        },
      }),
    },
  });
  assert.deepEqual(asked, ['Oslo']);
  assert.equal(r.steps.length, 2);
  assert.equal(r.text, (await lastCall()).sent);
});

await check('an image', async () => {
  await generateText({
    model,
    messages: [{ role: 'user', content: [{ type: 'text', text: 'lie: chunks=1' }, { type: 'file', data: pixel, mediaType: 'image/png' }] }],
  });
  assert.deepEqual((await lastCall()).images, [`data:image/png;base64,${pixel}`]);
});

await check('an object', async () => {
  const r = await generateText({
    model, output: Output.object({ schema: z.object({ city: z.string() }) }),
    prompt: `lie: chunks=1 text=${encodeURIComponent('{"city":"Oslo"}')}`,
  });
  assert.deepEqual(r.output, { city: 'Oslo' });
});

await check('errors', async () => {
  const before = (await control('calls')).length;
  await assert.rejects(generateText({ model: provider('nonsense'), prompt: 'x' }), (e) => {
    assert.equal(e.statusCode, 400);
    assert.match(e.responseBody, /provider_model/);
    return true;
  });
  assert.equal((await control('calls')).length, before);
});

done();
