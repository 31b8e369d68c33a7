import { expect, it } from 'vitest';

import { ModelBatches } from '../../src/client/model-batches.ts';
import type { ModelEvent } from '../../src/core/model-event.ts';
import type { Outcome } from '../../src/protocol/wire.ts';

const DONE: Outcome<null> = { ok: true, value: null };
const text = (value: string): ModelEvent => ({ type: 'text-delta', text: value });

interface Sent {
  readonly events: readonly ModelEvent[];
  readonly end?: Outcome<null>;
}

/** A worker that takes a batch when it is told to. */
function worker(): {
  sent: Sent[];
  send: (batch: Sent) => Promise<boolean>;
  take: (wanted?: boolean) => void;
} {
  const sent: Sent[] = [];
  let answer: (wanted: boolean) => void = () => undefined;
  const send = (batch: Sent): Promise<boolean> => {
    sent.push(batch);
    return new Promise((resolve) => (answer = resolve));
  };
  return { sent, send, take: (wanted = true) => answer(wanted) };
}

const settled = async (): Promise<void> => await new Promise((resolve) => setTimeout(resolve));

it('[PR1] one batch is under way at a time, and what comes meanwhile leaves with the next one, in order', async () => {
  const { sent, send, take } = worker();
  const batches = new ModelBatches(send);
  for (const value of ['a', 'b', 'c']) expect(await batches.add(text(value))).toBe(true);
  expect(sent).toEqual([{ events: [text('a')] }]);
  take();
  await settled();
  expect(sent).toEqual([{ events: [text('a')] }, { events: [text('b'), text('c')] }]);
  take();
  await settled();
  expect(sent).toHaveLength(2);
});

it('how a call ended leaves with the last of its events, and nothing follows it', async () => {
  const { sent, send, take } = worker();
  const batches = new ModelBatches(send);
  await batches.add(text('a'));
  await batches.add(text('b'));
  const ended = batches.end(DONE);
  take();
  await settled();
  expect(sent.slice(1)).toEqual([{ events: [text('b')], end: DONE }]);
  take(false);
  await ended;
  expect(sent).toHaveLength(2);
});

it('a call without events says how it ended', async () => {
  const { sent, send, take } = worker();
  const ended = new ModelBatches(send).end(DONE);
  take();
  await ended;
  expect(sent).toEqual([{ events: [], end: DONE }]);
});

it.each([
  ['many events', 'x', 300],
  ['long ones', 'x'.repeat(10_000), 20],
])('a model that is faster than the worker waits for it: %s', async (_what, value, count) => {
  const { sent, send, take } = worker();
  const batches = new ModelBatches(send);
  let taken = 0;
  const written = (async () => {
    for (; taken < count; taken++) await batches.add(text(value));
  })();
  await settled();
  expect(taken).toBeLessThan(count);
  const stood = taken;
  await settled();
  expect(taken).toBe(stood);
  for (let round = 0; round < 300; round++) {
    take();
    await settled();
  }
  await written;
  expect(sent.flatMap(({ events }) => events)).toHaveLength(count);
});

it('an event that nobody wants is told so to whoever made it', async () => {
  const { sent, send, take } = worker();
  const batches = new ModelBatches(send);
  await batches.add(text('a'));
  take(false);
  await settled();
  expect(await batches.add(text('b'))).toBe(false);
  await batches.end(DONE);
  expect(sent).toHaveLength(1);
});
