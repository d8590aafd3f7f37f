// The WebSocket client of npm's openai, with responses one after the other.
import { ResponsesWS } from 'openai/resources/responses/ws';

const ends = ['response.completed', 'response.incomplete', 'response.failed'];

// open connects, and returns a function that sends a request and returns its events, or throws
// the error that came in their place. An end of the connection is the error 'cut', which has
// the events so far.
export function open(openai) {
  const socket = new ResponsesWS(openai);
  const incoming = socket.stream()[Symbol.asyncIterator]();
  async function turn(fields, onEvent = () => {}) {
    const events = [];
    socket.send({ type: 'response.create', model: 'lying', ...fields });
    for (;;) {
      const { value, done } = await incoming.next();
      if (done || value.type === 'close') throw Object.assign(new Error('cut'), { events });
      if (value.type === 'error') throw value.error.error ?? value.error;
      if (value.type !== 'message') continue;
      events.push(value.message);
      onEvent(value.message);
      if (ends.includes(value.message.type)) return events;
    }
  }
  return { socket, turn };
}
