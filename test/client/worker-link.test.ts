import { afterEach, beforeEach, expect, test } from 'vitest';

import { WorkerLink } from '../../src/client/worker-link.ts';
import { LashError } from '../../src/core/error.ts';
import type { ChannelItem } from '../../src/protocol/channel-item.ts';

let calls: MessageChannel;
let events: MessageChannel;
let link: WorkerLink;
const delivered: ChannelItem[] = [];
const losses: LashError[] = [];

/** A worker that answers each call at once, and says that one event came before the answer. */
function answerWith(seen: number): void {
  calls.port2.addEventListener('message', ({ data }: MessageEvent<{ id: string }>) => {
    const answer = { outcome: { ok: true, value: null }, seen };
    calls.port2.postMessage({ id: data.id, type: 'RAW', value: answer });
  });
  calls.port2.start();
}

beforeEach(() => {
  calls = new MessageChannel();
  events = new MessageChannel();
  delivered.length = 0;
  losses.length = 0;
  link = new WorkerLink(calls.port1, events.port1, {
    deliver: (items) => void delivered.push(...items),
    lost: (error) => void losses.push(error),
  });
});
afterEach(() => {
  link.end(new LashError('ClientClosed', 'the test is over', {}));
  calls.port2.close();
  events.port2.close();
});

test('[WB5] a call resolves when the events that came before its end were delivered, however late they are', async () => {
  answerWith(1);
  let resolved = false;
  const call = link.call('storage', null).then(() => (resolved = true));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(resolved).toBe(false);
  const item: ChannelItem = { kind: 'closed', session: 1 };
  events.port2.postMessage({ first: 1, last: 1, items: [item] });
  await call;
  expect(delivered).toEqual([item]);
});

test('[WB2] a call that waits for events is rejected as well when the worker is lost', async () => {
  answerWith(1);
  const call = link.call('storage', null);
  await new Promise((resolve) => setTimeout(resolve, 20));
  link.lose('the test ended it');
  link.lose('twice');
  await expect(call).rejects.toMatchObject({ code: 'WorkerLost' });
  await expect(link.call('storage', null)).rejects.toMatchObject({ code: 'WorkerLost' });
  expect(losses).toHaveLength(1);
});
