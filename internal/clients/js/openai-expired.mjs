// npm's openai after the chunk log has expired.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { check, collect, control, done, read, resume, textOf, token, url } from './lib.mjs';

const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: token });

await check('the chunk log has expired', async () => {
  for (const input of ['lie: chunks=40 reasoning=3 pace=2ms', 'lie: chunks=2']) {
    const all = await collect(await openai.responses.create({ model: 'lying', input, stream: true }));
    const { id } = all[0].response;
    const hex = id.slice('resp_'.length);
    await control(`expired?task=${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}`);
    for (let n = 0; n < all.length; n++) {
      const rest = await collect(await openai.responses.retrieve(id, { stream: true, starting_after: n }));
      assert.deepEqual(rest, all.slice(n + 1));
    }
    const stream = openai.responses.stream({ response_id: id });
    assert.equal((await stream.finalResponse()).output_text, textOf(all));
  }
});

await check('the chunk log has expired before the next attempt', async () => {
  const { length } = await control('calls');
  const stream = await openai.responses.create({ model: 'lying', input: 'lie: chunks=10 pace=5ms hang=5 fail=1', background: true, stream: true });
  const seen = [];
  const reading = read(stream, seen);
  await control(`sent?call=${length + 1}&tokens=5`);
  await control('restart-worker');
  await reading;
  await resume(openai, seen[0].response.id, seen);
  assert.equal(textOf(seen), (await control('calls')).at(-1).sent);
  // No sequence number stands for two events.
  const numbers = seen.map((e) => e.sequence_number);
  assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b));
  assert.ok(numbers.at(-1) >= 1_000_000, `the last number is ${numbers.at(-1)}`);
});

done();
