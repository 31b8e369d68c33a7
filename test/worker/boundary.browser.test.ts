import { expect, test } from 'vitest';

import type { Batch } from '../../src/protocol/event-channel.ts';
import { runtimeWorker, within } from './page.ts';

interface Reply {
  readonly id: string;
  readonly value?: { readonly outcome: { readonly ok: boolean; readonly value: unknown } };
}

/** A page that speaks to the worker by raw messages, and acknowledges events only when it is told to. */
class RawPage {
  readonly batches: Batch[] = [];
  readonly replies: Reply[] = [];
  readonly #worker: Worker = runtimeWorker();
  readonly #calls = new MessageChannel();
  readonly #events = new MessageChannel();
  #changed: () => void = () => undefined;

  async connect(): Promise<void> {
    await new Promise((resolve) => this.#worker.addEventListener('message', resolve, { once: true }));
    this.#listen(this.#calls.port1, (data) => this.replies.push(data as Reply));
    this.#listen(this.#events.port1, (data) => this.batches.push(data as Batch));
    const ports = [this.#calls.port2, this.#events.port2] as const;
    this.#worker.postMessage({ lash: 'connect', config: {}, calls: ports[0], events: ports[1] }, [...ports]);
  }

  send(message: object): void {
    this.#calls.port1.postMessage(message);
  }

  async call(name: string, request: unknown): Promise<unknown> {
    const id = crypto.randomUUID();
    this.send({ id, type: 'APPLY', path: [name], argumentList: [{ type: 'RAW', value: request }] });
    await this.until(() => this.replies.some((reply) => reply.id === id));
    return this.replies.find((reply) => reply.id === id)?.value?.outcome;
  }

  acknowledge(): void {
    const last = this.batches.at(-1);
    if (last !== undefined) this.#events.port1.postMessage({ seen: last.first + last.items.length - 1 });
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await within(new Promise<void>((resolve) => (this.#changed = resolve)));
  }

  end(): void {
    this.#worker.terminate();
  }

  #listen(port: MessagePort, take: (data: unknown) => void): void {
    port.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      take(data);
      this.#changed();
    });
    port.start();
  }
}

const raw = (value: unknown): unknown => ({ type: 'RAW', value });
const policy = { provider: { id: 'fake', model: 'fake' } };

test('[WB4] messages that are not a plain call of a listed name get no answer and change nothing', async () => {
  const page = new RawPage();
  await page.connect();
  const polluted = ['__proto__', 'polluted'];
  page.send({ id: '1', type: 'SET', path: polluted, value: raw('yes') });
  page.send({ id: '2', type: 'GET', path: ['listSessions', 'constructor', 'constructor'] });
  const code = [raw('globalThis.polluted = 1')];
  page.send({
    id: '3',
    type: 'APPLY',
    path: ['listSessions', 'constructor', 'constructor'],
    argumentList: code,
  });
  page.send({ id: '4', type: 'APPLY', path: ['constructor'], argumentList: [raw(null)] });
  page.send({ id: '5', type: 'RELEASE', path: [] });
  page.send({ id: '6', type: 'ENDPOINT', path: [] });
  expect(await page.call('listSessions', {})).toMatchObject({ ok: true, value: { items: [] } });
  expect(page.replies).toHaveLength(1);
  page.end();
});

test('[WB4] requests are checked in the worker, whoever sends them', async () => {
  const page = new RawPage();
  await page.connect();
  const bad = {
    session: 1,
    turnId: 't',
    input: { parts: [{ type: 'text', text: new Date() }] },
    request: {},
  };
  expect(await page.call('turn', bad)).toMatchObject({ ok: false, error: { code: 'InvalidInput' } });
  expect(await page.call('turn', { ...bad, input: 'x' })).toMatchObject({
    ok: false,
    error: { code: 'SessionClosed' },
  });
  const name = JSON.parse('{"name":"x","__proto__":{"secret":"y"}}') as object;
  expect(await page.call('setCredentials', name)).toMatchObject({
    ok: false,
    error: { code: 'InvalidInput' },
  });
  page.end();
});

test('[WB5] a page that stops reading slows nothing: the turn ends in the worker, and no fact is missing when it reads on', async () => {
  const page = new RawPage();
  await page.connect();
  await page.call('openSession', { mode: 'create', sessionId: 's', policy });
  const turn = await page.call('turn', { session: 1, turnId: 't', input: 'flood 20000', request: {} });
  expect(turn).toMatchObject({ ok: true, value: { status: 'completed' } });
  expect(page.batches.length).toBeLessThanOrEqual(8);
  const finished = (): boolean =>
    page.batches.some(({ items }) =>
      items.some((item) => item.kind === 'event' && item.event.type === 'turn-finished'),
    );
  expect(finished()).toBe(false);
  for (let seen = 0; !finished(); seen = page.batches.length) {
    page.acknowledge();
    await page.until(() => page.batches.length > seen);
  }
  let next = 1;
  for (const { first, items } of page.batches) {
    expect(first).toBe(next);
    next += items.length;
  }
  const items = page.batches.flatMap((batch) => batch.items);
  const events = items.flatMap((item) => (item.kind === 'event' ? [item.event] : []));
  const text = events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');
  expect(text).toBe(Array.from({ length: 20_000 }, (_, n) => `tok${n % 10} `).join(''));
  expect(events.filter(({ type }) => type === 'nodes-committed')).toHaveLength(2);
  expect(items.length).toBeLessThan(1000);
  page.end();
});
