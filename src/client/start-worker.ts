import { LashError } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';
import { PROTOCOL_VERSION } from '../protocol/api.ts';
import { type HandshakeMessage, isReady, type ReadyMessage } from '../protocol/handshake.ts';
import { type LinkListener, WorkerLink } from './worker-link.ts';

const CAUSES: readonly string[] = [
  'a wrong URL',
  'its script or an import failed (see the console)',
  'a content security policy (worker-src)',
  'being offline',
  'no call of serveRuntime',
  'an origin without https',
];

/**
 * Waits until `worker` is ready, connects to it, and resolves when its environment is built (law WB1).
 *
 * @throws `WorkerLoadFailed` when it says nothing within `readyTimeoutMs`, or at once when its script fails;
 *   `ProtocolMismatch`; `WorkerLost`; and what building the environment threw.
 */
export async function startWorker(
  worker: Worker,
  config: JsonObject,
  readyTimeoutMs: number,
  listener: LinkListener,
): Promise<WorkerLink> {
  const ready = await waitUntilReady(worker, readyTimeoutMs);
  if (ready.protocol !== PROTOCOL_VERSION) {
    throw new LashError('ProtocolMismatch', 'Page and worker differ in version', {
      page: PROTOCOL_VERSION,
      worker: ready.protocol,
    });
  }
  const calls = new MessageChannel();
  const events = new MessageChannel();
  const link = new WorkerLink(calls.port1, events.port1, listener);
  link.watch(worker, ready.lock);
  const connect: HandshakeMessage = { lash: 'connect', config, calls: calls.port2, events: events.port2 };
  worker.postMessage(connect, [calls.port2, events.port2]);
  try {
    await link.call('hello', null);
  } catch (error) {
    link.end(new LashError('ClientClosed', 'Lost', {}));
    throw error;
  }
  return link;
}

async function waitUntilReady(worker: Worker, timeoutMs: number): Promise<ReadyMessage> {
  const over = new AbortController();
  const { signal } = over;
  try {
    return await new Promise((resolve, reject) => {
      const fail = (what: string): void => reject(loadFailed(what));
      const late = AbortSignal.timeout(timeoutMs);
      late.addEventListener('abort', () => fail(`it was not ready within ${timeoutMs} ms`), { signal });
      worker.addEventListener('error', (event) => fail(event.message || 'its script failed'), { signal });
      worker.addEventListener('message', ({ data }) => isReady(data) && resolve(data), { signal });
      const hello: HandshakeMessage = { lash: 'hello' };
      worker.postMessage(hello);
    });
  } finally {
    over.abort();
  }
}

function loadFailed(what: string): LashError {
  const message = `The worker did not start: ${what}. Usual causes: ${CAUSES.join('; ')}.`;
  return new LashError('WorkerLoadFailed', message, { causes: CAUSES });
}
