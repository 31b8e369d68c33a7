import { expect, test } from 'vitest';

import { handshakeMessage } from '../../src/protocol/handshake.ts';
import { holdLiveness, type Locks, watchLiveness } from '../../src/protocol/liveness.ts';

test('messages of the host are not taken for the handshake', () => {
  const { port1 } = new MessageChannel();
  for (const data of [
    null,
    'ready',
    1,
    {},
    { lash: 'other' },
    { lash: 1 },
    { lash: 'connect', calls: port1 },
  ]) {
    expect(handshakeMessage(data)).toBeUndefined();
  }
  port1.close();
  expect(handshakeMessage({ lash: 'hello' })).toEqual({ lash: 'hello' });
});

/** Locks as browsers have them, of one holder each. */
function fakeLocks(): Locks & { release(name: string): void } {
  const waiting = new Map<string, (() => Promise<void> | void)[]>();
  return {
    request: (name, { signal }, callback) =>
      new Promise((resolve, reject) => {
        const queue = waiting.get(name) ?? [];
        waiting.set(name, [...queue, callback]);
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
        if (queue.length === 0) Promise.resolve(callback()).then(resolve, reject);
      }),
    release: (name) => {
      const [, ...rest] = waiting.get(name) ?? [];
      waiting.set(name, rest);
      void rest[0]?.();
    },
  };
}

test('[WB2] the watch reports when the holder of the lock is gone, and not before', async () => {
  const locks = fakeLocks();
  expect(await holdLiveness(locks, 'worker')).toBe('worker');
  let deaths = 0;
  watchLiveness(
    locks,
    'worker',
    new AbortController().signal,
    () => deaths++,
    (error) => expect.unreachable(String(error)),
  );
  await Promise.resolve();
  expect(deaths).toBe(0);
  locks.release('worker');
  expect(deaths).toBe(1);
});

test('[WB2] a watch that was ended reports nothing', async () => {
  const locks = fakeLocks();
  await holdLiveness(locks, 'worker');
  const failures: unknown[] = [];
  const watch = new AbortController();
  watchLiveness(locks, 'worker', watch.signal, expect.unreachable, (error) => failures.push(error));
  watch.abort();
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(failures).toEqual([]);
});

test('[WB2] without Web Locks, or where the browser refuses them, there is no lock to watch', async () => {
  expect(await holdLiveness(undefined, 'worker')).toBeNull();
  const refusing: Locks = { request: () => Promise.reject(new DOMException('no', 'SecurityError')) };
  expect(await holdLiveness(refusing, 'worker')).toBeNull();
});
