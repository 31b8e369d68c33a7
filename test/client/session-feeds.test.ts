import { expect, it } from 'vitest';

import { SessionFeeds } from '../../src/client/session-feeds.ts';
import { type MakeCall, SessionClient } from '../../src/client/session.ts';
import { LashError } from '../../src/core/error.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import type { SessionView } from '../../src/core/view.ts';

const policy = { provider: { id: 'p', model: 'm' } };

const viewOf = (sessionId: string): SessionView => ({
  sessionId,
  title: '',
  head: { revision: 0, leaf: null, usage: NO_USAGE, depth: 0, nodeCount: 0, bytes: 0 },
  window: { start: 0, nodes: [] },
  branches: {},
  turn: null,
  queue: [],
  lastTurn: null,
  writer: 'nobody',
  damage: null,
});

it('[WB2] until a session is open again, nothing is sent with its old number, and it opens as it was opened', async () => {
  const feeds = new SessionFeeds();
  const asked: unknown[] = [];
  let numbers = 0;
  let during: () => Promise<void> = async () => undefined;
  const call = (async (name: string, request: { readonly sessionId?: string }) => {
    asked.push([name, request]);
    if (name !== 'openSession') return undefined;
    await during();
    feeds.show(++numbers, viewOf(request.sessionId ?? ''));
    return { session: numbers, sessionId: request.sessionId, policy };
  }) as MakeCall;
  const damaged = feeds.show(2, viewOf('damaged'));
  damaged.hold({ session: 2, sessionId: 'damaged', policy }, { mode: 'readOnly', damaged: 'showSound' });
  const plain = feeds.show(1, viewOf('plain'));
  plain.hold({ session: 1, sessionId: 'plain', policy }, { mode: 'create', policy });
  const session = new SessionClient(plain, call);

  feeds.strand(new LashError('WorkerLost', 'gone', {}));
  await expect(session.rename('x')).rejects.toMatchObject({ code: 'WorkerLost' });
  during = () => expect(session.rename('x')).rejects.toMatchObject({ code: 'WorkerLost' });
  await feeds.reopen(call);
  expect(asked).toEqual([
    ['openSession', { sessionId: 'damaged', mode: 'readOnly', damaged: 'showSound' }],
    ['openSession', { sessionId: 'plain', mode: 'open' }],
  ]);
  await session.rename('y');
  expect(asked.at(-1)).toEqual(['rename', { title: 'y', session: 2 }]);
});
