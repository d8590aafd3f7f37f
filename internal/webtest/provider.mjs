// A provider with OpenAI's API, whose answers the tests choose: the message says which.
import {createServer} from 'node:http';

// texts are the answers by the first word of a message.
export const texts = {};

// gate holds answers back. An answer stops before the piece «wait», until open is called.
// reached resolves when an answer stands there.
export const gate = {
  waiting: [], observers: [],
  open() { for (const go of this.waiting.splice(0)) go(); },
  wait(go) {
    this.waiting.push(go);
    for (const seen of this.observers.splice(0)) seen();
  },
  leave(go) {
    this.waiting = this.waiting.filter((other) => other !== go);
    go();
  },
  reached() { return this.waiting.length ? Promise.resolve() : new Promise((resolve) => this.observers.push(resolve)); },
};

// start listens on a free port and returns the base URL.
export function startProvider() {
  const server = createServer(async (request, response) => {
    if (request.url.endsWith('/models')) {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({object: 'list', data: [{id: 'test', object: 'model'}, {id: 'other', object: 'model'}]}));
      return;
    }
    if (!request.url.endsWith('/chat/completions')) {
      response.writeHead(404).end();
      return;
    }
    let body = '';
    for await (const piece of request) body += piece;
    const {messages, model} = JSON.parse(body);
    await answer(response, lastText(messages), model);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({
    url: `http://127.0.0.1:${server.address().port}/v1`,
    close() { server.closeAllConnections(); server.close(); },
  })));
}

function lastText(messages) {
  const content = messages.at(-1).content;
  return typeof content === 'string' ? content : content.filter((part) => part.type === 'text').map((part) => part.text).join(' ') || 'image';
}

async function answer(response, message, model) {
  const {error, reasoning, text} = texts[message.split(/\s/)[0]] ?? {text: `You said: ${message}`};
  if (error) {
    response.writeHead(400, {'Content-Type': 'application/json'}).end(JSON.stringify({error: {message: error, type: 'invalid_request_error'}}));
    return;
  }
  response.writeHead(200, {'Content-Type': 'text/event-stream'});
  const send = (delta, reason) => response.write(`data: ${JSON.stringify({id: 'a', object: 'chat.completion.chunk', created: 1, model, choices: [{index: 0, delta, finish_reason: reason ?? null}]})}\n\n`);
  for (const piece of (reasoning ?? '').match(/[^]{1,12}/g) ?? []) send({reasoning_content: piece});
  for (const part of text.split(/(«wait»)/)) {
    if (part === '«wait»') {
      await new Promise((resolve) => { gate.wait(resolve); response.on('close', () => gate.leave(resolve)); });
      continue;
    }
    for (const piece of part.match(/[^]{1,7}/g) ?? []) {
      if (response.destroyed) return;
      send({content: piece});
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  send({}, 'stop');
  response.end('data: [DONE]\n\n');
}
