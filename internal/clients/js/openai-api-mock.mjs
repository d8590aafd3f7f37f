// openai-api-mock is no server: it intercepts the requests of the process that loads it. This
// server passes each request on to it, and its response back, byte for byte.
import http from 'node:http';
import { mockOpenAIResponse } from 'openai-api-mock';

const origin = 'https://api.openai.com';
const control = mockOpenAIResponse(true, { seed: 7, includeErrors: true });
let unlucky = false;
Math.random = () => (unlucky ? 0 : 0.5); // includeErrors fails one request in twenty, by chance

const server = http.createServer(async (req, res) => {
  const parts = [];
  for await (const part of req) parts.push(part);
  const body = Buffer.concat(parts);
  unlucky = body.includes('no luck');
  let answer;
  try {
    answer = await fetch(origin + req.url, {
      method: req.method, body: body.length ? body : undefined, headers: { 'content-type': 'application/json', authorization: req.headers.authorization ?? '' },
    });
  } catch { // it does not know the URL
    res.writeHead(404).end();
    return;
  }
  res.writeHead(answer.status, Object.fromEntries(answer.headers));
  for await (const part of answer.body) res.write(part);
  res.end();
});
server.listen(Number(process.env.PORT), process.env.HOST, () => console.log('listening', control.isActive));
