// npm's ws against one chatd.
import WebSocket from 'ws';
import { check, control, done, token, url } from './lib.mjs';
import { socketChecks } from './socket.mjs';

for (const [name, run] of socketChecks(WebSocket, url, token, control)) await check(name, run);
done();
