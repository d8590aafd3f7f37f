import { useRef, useState } from 'react';
import { useChat } from '@ai-sdk/react';
import { DefaultChatTransport } from 'ai';
import { api, load, stop } from './messages.js';

const transport = new DefaultChatTransport({ api });
const firstPause = 200; // ms
const longestPause = 5000;

export function Chat({ id, initial }) {
  const [text, setText] = useState('');
  const [cut, setCut] = useState(false);
  const pause = useRef(firstPause);
  const chat = useChat({
    id,
    messages: initial,
    transport,
    resume: true, // an answer that is being made
    onError: (error) => {
      // A cut connection is a TypeError. Other errors are of the answer, or of the request.
      if (error instanceof TypeError) setTimeout(comeBack, pause.current);
      setCut(error instanceof TypeError);
    },
  });
  const { messages, setMessages, sendMessage, resumeStream, clearError, status, error } = chat;

  // comeBack resumes the answer after its connection was cut: because the network or chatd
  // was gone for a while, or because the answer was started again. The unfinished message is
  // dropped, as the answer arrives from its beginning.
  async function comeBack() {
    pause.current = Math.min(2 * pause.current, longestPause);
    try {
      const stored = await load(id);
      setMessages(stored);
      clearError();
      setCut(false);
      pause.current = firstPause;
    } catch {
      setTimeout(comeBack, pause.current); // chatd is not there yet
      return;
    }
    await resumeStream();
  }

  function send(e) {
    e.preventDefault();
    sendMessage({ text });
    setText('');
  }

  const busy = status === 'submitted' || status === 'streaming';
  return (
    <main>
      {messages.map((m) => (
        <article key={m.id} className={m.role}>
          {m.parts.map((p, i) => <Part key={i} part={p} />)}
        </article>
      ))}
      <p role="status">{cut ? 'disconnected: coming back …' : error ? error.message : status}</p>
      <form onSubmit={send}>
        <textarea aria-label="Message" value={text} onChange={(e) => setText(e.target.value)} />
        {busy
          ? <button type="button" onClick={() => stop(id)}>Stop</button>
          : <button disabled={!text.trim()}>Send</button>}
      </form>
    </main>
  );
}

function Part({ part }) {
  switch (part.type) {
    case 'text':
      return <p className="text">{part.text}</p>;
    case 'reasoning':
      return <details><summary>Reasoning</summary>{part.text}</details>;
    case 'file':
      return part.mediaType.startsWith('image/') ? <img src={part.url} alt={part.filename} /> : <a href={part.url} download={part.filename}>{part.filename}</a>;
    case 'dynamic-tool':
      return <pre>{part.toolName} {JSON.stringify(part.input)}</pre>;
    default:
      return null;
  }
}
