// A site for a page, and the browser that shows it.
import { createServer } from 'node:http';
import { chromium } from 'playwright-core';

// serve serves files, a map of paths to [type, body], at PAGE_ADDRESS, whose origin chatd
// allows.
export async function serve(files) {
  const address = process.env.PAGE_ADDRESS;
  const server = createServer((req, res) => {
    const found = files[new URL(req.url, 'http://x').pathname];
    if (!found) {
      res.writeHead(404).end();
      return;
    }
    res.writeHead(200, { 'Content-Type': found[0] }).end(found[1]);
  });
  const [host, port] = address.split(':');
  await new Promise((resolve) => server.listen(Number(port), host, resolve));
  return {
    url: `http://${address}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

// browse starts Debian's Chromium. Its sandbox does not work for root.
export function browse() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: process.getuid() === 0 ? ['--no-sandbox'] : [],
  });
}
