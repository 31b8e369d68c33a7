import type { JsonObject } from '../core/json.ts';

/**
 * How page and worker find each other (law WB1). The worker says ready when it starts, and again to every hello; the
 * page says hello when it begins to listen. So it does not matter which of the two is late. The page then sends one
 * `connect` with two private ports; nothing else of the runtime goes over the worker's own channel, which stays the
 * host's.
 */
export type HandshakeMessage = HelloMessage | ReadyMessage | ConnectMessage;

/** From the page: is anybody there? */
export interface HelloMessage {
  readonly lash: 'hello';
}

/** From the worker: I listen. `lock` is the Web Lock that I hold for as long as I live; `null` without Web Locks. */
export interface ReadyMessage {
  readonly lash: 'ready';
  readonly protocol: number;
  readonly lock: string | null;
}

/** From the page: build the environment from `config`, answer calls on one port, and send events on the other. */
export interface ConnectMessage {
  readonly lash: 'connect';
  readonly config: JsonObject;
  readonly calls: MessagePort;
  readonly events: MessagePort;
}

/** Whether `data` says that the worker is ready, and is nothing of the host's own. */
export function isReady(data: unknown): data is ReadyMessage {
  return (data as Partial<ReadyMessage> | null)?.lash === 'ready';
}

/** The page's handshake message in `data`, or `undefined` when it is something of the host's own. */
export function handshakeMessage(data: unknown): HelloMessage | ConnectMessage | undefined {
  if (typeof data !== 'object' || data === null || !('lash' in data)) return undefined;
  const message = data as HelloMessage | ConnectMessage;
  switch (message.lash) {
    case 'hello':
      return message;
    case 'connect':
      return isPort(message.calls) && isPort(message.events) ? message : undefined;
    default:
      return undefined;
  }
}

function isPort(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'postMessage' in value;
}
