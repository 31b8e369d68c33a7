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
  plugins: {},
  tasks: [],
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

it('[WB5] when a view comes in the place of what streamed, a turn’s handle is told the call anew', async () => {
  const feed = new SessionFeeds().show(1, viewOf('s'));
  const { inbox, end } = feed.expectTurn('t');
  const call = { turnId: 't', correlationId: 'c' };
  feed.apply({ type: 'turn-started', turnId: 't' });
  feed.apply({ type: 'step-started', ...call, step: 0, attempt: 1 });
  feed.apply({ type: 'text-delta', ...call, text: 'a' });
  const { turn } = feed.view;
  if (turn === null) throw new Error('no turn runs');
  feed.attach(1, { ...feed.view, turn: { ...turn, text: 'abc', reasoning: 'so' } });
  feed.apply({ type: 'text-delta', ...call, text: 'd' });
  end();
  let [text, reasoning] = ['', ''];
  for (let activity = await inbox.take(); activity !== undefined; activity = await inbox.take()) {
    if (activity.type === 'attempt-withdrawn') [text, reasoning] = ['', ''];
    if (activity.type === 'text-delta') text += activity.text;
    if (activity.type === 'reasoning-delta') reasoning += activity.text;
  }
  expect([text, reasoning]).toEqual(['abcd', 'so']);
  expect(feed.view.turn?.text).toBe('abcd');
});
