import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { buildEntry } from './build-entry.ts';

/** A site whose every address is a page that runs the script. */
export interface PageSite {
  readonly url: string;
  close(): Promise<void>;
}

/** Builds the page whose script this is, with its workers, for production, and serves it on the loopback interface. */
export async function servePage(entry: string): Promise<PageSite> {
  const output = await buildEntry(entry);
  const files = new Map(
    output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source]),
  );
  const start = output.find((file) => file.type === 'chunk' && file.isEntry)?.fileName ?? '';
  const server = createServer(({ url = '/' }, response) => {
    const code = files.get(url);
    response.setHeader('content-type', code === undefined ? 'text/html' : 'text/javascript');
    response.end(code ?? `<!doctype html><title>page</title><script type="module" src="/${start}"></script>`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
