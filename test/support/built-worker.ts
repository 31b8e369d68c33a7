import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { buildEntry } from './build-entry.ts';

/** A site with one page, which runs a worker that was built for production. */
export interface WorkerSite {
  readonly url: string;
  close(): Promise<void>;
}

/** The page: `call(name, ...args)` asks the worker, which answers `{ id, value }` or `{ id, error }`. */
const page = (script: string): string => `<!doctype html><title>tab</title><script>
const worker = new Worker('/${script}', { type: 'module' });
const pending = new Map();
let calls = 0;
worker.onmessage = ({ data }) => {
  const { resolve, reject } = pending.get(data.id);
  pending.delete(data.id);
  if ('error' in data) reject(new Error(data.error));
  else resolve(data.value);
};
globalThis.call = (name, ...args) => new Promise((resolve, reject) => {
  const id = ++calls;
  pending.set(id, { resolve, reject });
  worker.postMessage({ id, name, args });
});
</script>`;

/** Builds the worker whose entry this is, and serves it on the loopback interface, its scripts under a content security policy. */
export async function serveWorker(entry: string, policy?: string): Promise<WorkerSite> {
  const output = await buildEntry(entry);
  const chunks = output.filter((file) => file.type === 'chunk');
  const script = chunks.find(({ isEntry }) => isEntry)?.fileName ?? '';
  const files = new Map(chunks.map(({ fileName, code }) => [`/${fileName}`, code]));
  const server = createServer(({ url = '/' }, response) => {
    const code = files.get(url);
    response.setHeader('content-type', code === undefined ? 'text/html' : 'text/javascript');
    if (code !== undefined && policy !== undefined) response.setHeader('content-security-policy', policy);
    response.end(code ?? page(script));
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
