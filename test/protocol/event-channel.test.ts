import { afterEach, expect, test } from 'vitest';

import type { ChannelItem } from '../../src/protocol/channel-item.ts';
import {
  type Acknowledgement,
  type Batch,
  BATCH_BYTES,
  BATCH_ITEMS,
  CREDIT,
  EventReceiver,
  EventSender,
} from '../../src/protocol/event-channel.ts';

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

function channel(): { sender: EventSender; page: MessagePort } {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  return { sender: new EventSender(port1), page: port2 };
}

/** A page that keeps what it gets, and acknowledges only when told to. */
class SlowPage {
  readonly batches: Batch[] = [];
  readonly #port: MessagePort;
  #arrived: () => void = () => undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.addEventListener('message', ({ data }: MessageEvent<Batch>) => {
      this.batches.push(data);
      this.#arrived();
    });
    port.start();
  }

  get items(): ChannelItem[] {
    return this.batches.flatMap((batch) => [...batch.items]);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#arrived = resolve));
  }

  acknowledge(seen: number): void {
    const message: Acknowledgement = { seen };
    this.#port.postMessage(message);
  }

  acknowledgeAll(): void {
    const last = this.batches.at(-1);
    if (last !== undefined) this.acknowledge(last.last);
  }
}

type Pushed = Exclude<ChannelItem, { readonly kind: 'view' }>;

const fact = (session: number, ordinal: number): Pushed => ({
  kind: 'event',
  session,
  event: { type: 'title-changed', title: String(ordinal) },
});

interface DeltaChange {
  readonly session?: number;
  readonly correlationId?: string;
  readonly type?: 'text-delta' | 'reasoning-delta';
}

const delta = (
  text: string,
  { session = 1, correlationId = 'a', type = 'text-delta' }: DeltaChange = {},
): Pushed => ({ kind: 'event', session, event: { type, turnId: 't', correlationId, text } });

const texts = (items: readonly ChannelItem[]): string[] =>
  items.map((item) => (item.kind === 'event' && 'text' in item.event ? item.event.text : item.kind));

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('[WB5] items arrive in order, numbered without a gap, at most 32 in a batch', async () => {
  const { sender, page: port } = channel();
  const page = new SlowPage(port);
  for (let ordinal = 1; ordinal <= 100; ordinal++) sender.push(fact(1, ordinal));
  await page.until(() => page.items.length === 100);
  expect(page.batches.map(({ items }) => items.length)).toEqual([BATCH_ITEMS, BATCH_ITEMS, BATCH_ITEMS, 4]);
  expect(page.batches.map(({ first }) => first)).toEqual([1, 33, 65, 97]);
  expect(page.items).toEqual(Array.from({ length: 100 }, (_, index) => fact(1, index + 1)));
  expect(sender.last).toBe(100);
});

test('[WB5] a batch that is not full leaves when its time is up, and earlier when it is flushed', async () => {
  const { sender, page: port } = channel();
  const page = new SlowPage(port);
  sender.push(fact(1, 1));
  expect(page.batches).toHaveLength(0);
  await page.until(() => page.batches.length === 1);
  sender.push(fact(1, 2));
  sender.flush();
  await page.until(() => page.batches.length === 2);
  expect(page.items).toEqual([fact(1, 1), fact(1, 2)]);
});

test('[WB5] a batch leaves when it has 8 KiB, and a larger item goes alone', async () => {
  const { sender, page: port } = channel();
  const page = new SlowPage(port);
  const large: Pushed = { kind: 'tool-cancelled', call: 1, reason: 'x'.repeat(2 * BATCH_BYTES) };
  sender.push(fact(1, 0));
  sender.push(large);
  await page.until(() => page.items.length === 2);
  expect(page.batches.map(({ items }) => items)).toEqual([[fact(1, 0)], [large]]);
});

test('[WB5] a page that does not acknowledge is sent at most its credit; the rest follows when it does', async () => {
  const { sender, page: port } = channel();
  const page = new SlowPage(port);
  const count = (CREDIT + 3) * BATCH_ITEMS;
  for (let ordinal = 1; ordinal <= count; ordinal++) sender.push(fact(1, ordinal));
  await page.until(() => page.batches.length === CREDIT);
  sender.flush();
  await pause(50);
  expect(page.batches).toHaveLength(CREDIT);
  page.acknowledge(BATCH_ITEMS);
  await page.until(() => page.batches.length === CREDIT + 1);
  page.acknowledgeAll();
  await page.until(() => page.items.length === count);
  expect(page.items).toEqual(Array.from({ length: count }, (_, index) => fact(1, index + 1)));
});

test('[WB5] deltas of one model call that wait become one item, and no fact between them is lost or moved', async () => {
  const { sender, page: port } = channel();
  const page = new SlowPage(port);
  sender.push(delta('a'));
  sender.push(delta('b'));
  sender.push(delta('r', { type: 'reasoning-delta' }));
  sender.push(delta('c'));
  sender.push(delta('x', { correlationId: 'b' }));
  sender.push(fact(1, 1));
  sender.push(delta('d', { correlationId: 'b' }));
  sender.push(delta('other session', { session: 2 }));
  sender.push(delta('e', { correlationId: 'b' }));
  await page.until(() => page.batches.length === 1);
  expect(texts(page.items)).toEqual(['ab', 'r', 'c', 'x', 'event', 'de', 'other session']);
  expect(sender.last).toBe(7);
});

test('[WB5] joined deltas stay below the size of a batch, so that no item is a long task for the page', async () => {
  const { sender, page: port } = channel();
  const page = new SlowPage(port);
  const piece = 'x'.repeat(1000);
  for (let index = 0; index < 100; index++) sender.push(delta(piece));
  await page.until(() => page.batches.length === CREDIT);
  page.acknowledgeAll();
  await page.until(() => texts(page.items).join('').length === 100_000);
  for (const text of texts(page.items)) expect(text.length).toBeLessThanOrEqual(BATCH_BYTES + piece.length);
});

test('[WB5] the receiver hands over whole batches, acknowledges them, and says what it has seen', async () => {
  const { sender, page: port } = channel();
  const sizes: number[] = [];
  const receiver = new EventReceiver(port, (items) => sizes.push(items.length));
  const count = (CREDIT + 2) * BATCH_ITEMS;
  for (let ordinal = 1; ordinal <= count; ordinal++) sender.push(fact(1, ordinal));
  await receiver.seen(sender.last);
  expect(sizes).toEqual(Array.from({ length: CREDIT + 2 }, () => BATCH_ITEMS));
  await receiver.seen(1);
});
