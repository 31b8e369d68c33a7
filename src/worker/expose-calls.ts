import { expose, type Endpoint } from 'comlink';

import type { CallName } from '../protocol/api.ts';
import type { Answer } from '../protocol/wire.ts';

/** Answers one call; never rejects. */
export type AnswerCall = (name: CallName, request: unknown) => Promise<Answer<unknown>>;

/**
 * Lets the other end of `port` make calls of these names, and nothing else (law WB4). Comlink follows any path on what it
 * exposes, prototypes included; so the object has no prototype and is frozen, and every message that is not a plain call
 * of one of its own functions is dropped before Comlink sees it.
 */
export function exposeCalls(port: MessagePort, names: readonly CallName[], answer: AnswerCall): void {
  const functions = Object.create(null) as Record<string, (request: unknown) => Promise<Answer<unknown>>>;
  for (const name of names) functions[name] = (request) => answer(name, request);
  expose(Object.freeze(functions), filtered(port, new Set(names)));
}

function filtered(port: MessagePort, names: ReadonlySet<string>): Endpoint {
  return {
    postMessage: (message, transfer) => port.postMessage(message, transfer ?? []),
    addEventListener: (type, listener) =>
      port.addEventListener(type, (event) => {
        if (!(event instanceof MessageEvent) || !isCall(event.data, names)) return;
        if (typeof listener === 'function') listener(event);
        else listener.handleEvent(event);
      }),
    // Comlink removes its listener only when the other end asks to be released, and such messages do not arrive.
    removeEventListener: () => undefined,
    start: () => port.start(),
  };
}

/** Whether `data` is what Comlink sends for `remote.name(value)`. */
function isCall(data: unknown, names: ReadonlySet<string>): boolean {
  if (typeof data !== 'object' || data === null) return false;
  const { id, type, path, argumentList } = data as Readonly<Record<string, unknown>>;
  if (typeof id !== 'string' || type !== 'APPLY') return false;
  if (!Array.isArray(path) || path.length !== 1 || !names.has(path[0] as string)) return false;
  return Array.isArray(argumentList) && argumentList.length === 1 && isRawValue(argumentList[0]);
}

function isRawValue(argument: unknown): boolean {
  return typeof argument === 'object' && argument !== null && 'type' in argument && argument.type === 'RAW';
}
