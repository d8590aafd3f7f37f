import { createRoot } from 'react-dom/client';
import { Chat } from './chat.jsx';
import { load } from './messages.js';

// The address has the id of the chat, so that a reload comes back to it.
location.hash ||= crypto.randomUUID();
const id = location.hash.slice(1);
addEventListener('hashchange', () => location.reload());

createRoot(document.getElementById('root')).render(<Chat id={id} initial={await load(id)} />);
