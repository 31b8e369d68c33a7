import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { SessionEvent } from '../../src/core/event.ts';
import type { SessionNode } from '../../src/core/node.ts';
import { roughSize } from '../../src/core/rough-size.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { reduceView, type SessionView } from '../../src/core/view.ts';
import type { ChannelItem } from '../../src/protocol/channel-item.ts';
import { BACKLOG_BYTES, type Batch, EventSender } from '../../src/protocol/event-channel.ts';

const SESSIONS = 3;

const emptyView = (session: number): SessionView => ({
  sessionId: `s${session}`,
  title: '0',
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

/** A page that takes a batch only when told to. */
class SlowPage {
  readonly views = new Map<number, SessionView>();
  readonly others: ChannelItem[] = [];
  seen = 0;
  resyncs = 0;
  readonly #batches: Batch[] = [];
  #acknowledge: (event: { data: { seen: number } }) => void = () => undefined;

  get port(): MessagePort {
    const port = {
      postMessage: (batch: Batch) => this.#batches.push(structuredClone(batch)),
      addEventListener: (_type: string, listener: (event: { data: { seen: number } }) => void) => {
        this.#acknowledge = listener;
      },
      start: () => undefined,
    };
    return port as unknown as MessagePort;
  }

  /** Takes the oldest batch; whether there was one. */
  take(): boolean {
    const batch = this.#batches.shift();
    if (batch === undefined) return false;
    expect(batch.first).toBe(this.seen + 1);
    expect(batch.last).toBeGreaterThanOrEqual(batch.first + batch.items.length - 1);
    for (const item of batch.items) this.#show(item);
    this.seen = batch.last;
    this.#acknowledge({ data: { seen: this.seen } });
    return true;
  }

  #show(item: ChannelItem): void {
    if (item.kind === 'view') {
      if (this.views.has(item.session)) this.resyncs++;
      this.views.set(item.session, item.view);
    } else if (item.kind === 'event') {
      const view = this.views.get(item.session);
      if (view === undefined) throw new Error('an event came before its view');
      this.views.set(item.session, reduceView(view, item.event));
    } else this.others.push(item);
  }
}

/** What the worker has: the views of its sessions, moved by events before the channel is told of them. */
class Worker {
  readonly views = new Map<number, SessionView>();
  readonly others: ChannelItem[] = [];
  readonly sender: EventSender;
  #facts = 0;
  readonly #told = new Map<number, number>();

  constructor(port: MessagePort, maxBytes?: number) {
    this.sender = new EventSender(port, maxBytes);
    for (let session = 1; session <= SESSIONS; session++) {
      this.views.set(session, emptyView(session));
      this.sender.show(session, () => this.view(session));
    }
  }

  view(session: number): SessionView {
    const view = this.views.get(session);
    if (view === undefined) throw new Error(`no session ${session}`);
    return view;
  }

  tell(session: number, event: SessionEvent): void {
    this.views.set(session, reduceView(this.view(session), event));
    this.sender.push({ kind: 'event', session, event });
  }

  /** A fact that a later call counts on: the title says how many there were. */
  fact(session: number): void {
    this.#facts += 1;
    this.#told.set(session, this.#facts);
    this.tell(session, { type: 'title-changed', title: String(this.#facts) });
  }

  /** Answers a call: whoever has seen `seen` shows at least these facts. */
  answer(): { readonly seen: number; readonly told: ReadonlyMap<number, number> } {
    return { seen: this.sender.last, told: new Map(this.#told) };
  }

  call(): void {
    const item = { kind: 'tool-cancelled', call: this.others.length, reason: 'x' } as const;
    this.others.push(item);
    this.sender.push(item);
  }

  commit(session: number, bytes: number): void {
    const { head } = this.view(session);
    const depth = head.depth + 1;
    const node: SessionNode = {
      id: `${session}.${depth}`,
      parentId: head.leaf,
      createdAt: 0,
      body: { kind: 'plugin', pluginType: 'note', data: 'x'.repeat(bytes) },
    };
    const next = { ...head, revision: depth, leaf: node.id, depth, nodeCount: depth };
    this.tell(session, { type: 'nodes-committed', head: next, nodes: [node] });
  }
}

type Step =
  | { readonly do: 'take'; readonly batches: number }
  | { readonly do: 'delta'; readonly session: number; readonly bytes: number; readonly call: number }
  | { readonly do: 'commit'; readonly session: number; readonly bytes: number }
  | { readonly do: 'fact' | 'start' | 'finish'; readonly session: number }
  | { readonly do: 'call' | 'answer' | 'flush' };

const session = fc.integer({ min: 1, max: SESSIONS });

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('take' as const), batches: fc.integer({ min: 1, max: 4 }) }),
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('delta' as const),
      session,
      bytes: fc.integer({ min: 1, max: 3000 }),
      call: fc.integer({ min: 0, max: 1 }),
    }),
  },
  fc.record({ do: fc.constant('commit' as const), session, bytes: fc.integer({ min: 1, max: 6000 }) }),
  fc.record({ do: fc.constantFrom('fact' as const, 'start' as const, 'finish' as const), session }),
  fc.record({ do: fc.constantFrom('call' as const, 'answer' as const, 'flush' as const) }),
);

function perform(worker: Worker, page: SlowPage, now: Step, answers: ReturnType<Worker['answer']>[]): void {
  switch (now.do) {
    case 'take':
      for (let batch = 0; batch < now.batches && page.take(); batch++);
      return;
    case 'delta': {
      const correlationId = `c${now.call}`;
      const text = String(now.bytes).padEnd(now.bytes, '.');
      return worker.tell(now.session, { type: 'text-delta', turnId: 't', correlationId, text });
    }
    case 'commit':
      return worker.commit(now.session, now.bytes);
    case 'fact':
      return worker.fact(now.session);
    case 'start':
      worker.tell(now.session, { type: 'turn-started', turnId: 't' });
      return worker.tell(now.session, {
        type: 'step-started',
        turnId: 't',
        step: 0,
        attempt: 1,
        correlationId: 'c0',
      });
    case 'finish':
      return worker.tell(now.session, {
        type: 'turn-finished',
        turnId: 't',
        result: { status: 'completed', reason: 'assistant_message', leaf: null, usage: NO_USAGE },
      });
    case 'call':
      return worker.call();
    case 'answer':
      answers.push(worker.answer());
      return;
    case 'flush':
      return worker.sender.flush();
  }
}

/** The page shows what every answered call did, once it has seen as much as the answer says. */
function expectAnswers(page: SlowPage, answers: readonly ReturnType<Worker['answer']>[]): void {
  for (const { seen, told } of answers) {
    if (page.seen < seen) continue;
    for (const [number, fact] of told) {
      expect(Number(page.views.get(number)?.title)).toBeGreaterThanOrEqual(fact);
    }
  }
}

function catchUp(worker: Worker, page: SlowPage): void {
  worker.sender.flush();
  while (page.take());
}

test('[WB5] however slow a page is, once it has caught up it shows what the worker has', () => {
  let resyncs = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
      const limit = 8 * 1024;
      const page = new SlowPage();
      const worker = new Worker(page.port, limit);
      catchUp(worker, page);
      const answers: ReturnType<Worker['answer']>[] = [];
      for (const now of steps) {
        perform(worker, page, now, answers);
        // Tool calls come on top: they always arrive.
        const calls = worker.others.reduce((sum, item) => sum + roughSize(item), 0);
        expect(worker.sender.waitingBytes).toBeLessThanOrEqual(limit + calls);
        expectAnswers(page, answers);
      }
      catchUp(worker, page);
      expect(page.seen).toBe(worker.sender.last);
      expect(worker.sender.waitingBytes).toBe(0);
      expectAnswers(page, answers);
      expect(page.others).toEqual(worker.others);
      expect(page.views).toEqual(worker.views);
      resyncs += page.resyncs;
    }),
    { seed: 20261126, numRuns: 400 },
  );
  expect(resyncs).toBeGreaterThan(100);
});

test('[WB5] what waits for a page that takes nothing is at most 1 MiB, however much happens', () => {
  const page = new SlowPage();
  const worker = new Worker(page.port);
  catchUp(worker, page);
  worker.tell(1, { type: 'turn-started', turnId: 't' });
  worker.tell(1, { type: 'step-started', turnId: 't', step: 0, attempt: 1, correlationId: 'c' });
  let most = 0;
  for (let piece = 0; piece < 4000; piece++) {
    worker.tell(1, { type: 'text-delta', turnId: 't', correlationId: 'c', text: 'x'.repeat(1000) });
    if (piece % 50 === 0) worker.commit(2, 50_000);
    most = Math.max(most, worker.sender.waitingBytes);
  }
  expect(most).toBeGreaterThan(BACKLOG_BYTES / 2);
  expect(most).toBeLessThanOrEqual(BACKLOG_BYTES);
  catchUp(worker, page);
  expect(page.views).toEqual(worker.views);
  expect(page.resyncs).toBeGreaterThan(0);
});

test('[WB5] one fact that is larger than what may wait arrives by a view', () => {
  const page = new SlowPage();
  const worker = new Worker(page.port);
  catchUp(worker, page);
  for (let ordinal = 0; ordinal < 20; ordinal++) worker.commit(1, 100_000);
  worker.commit(1, 2 * BACKLOG_BYTES);
  expect(worker.sender.waitingBytes).toBeLessThanOrEqual(BACKLOG_BYTES);
  catchUp(worker, page);
  expect(page.views).toEqual(worker.views);
});

test('[WB5] warnings are left out where much waits already', () => {
  const page = new SlowPage();
  const worker = new Worker(page.port);
  const error = {
    lash: 1,
    code: 'Internal',
    message: 'x'.repeat(10_000),
    retryable: false,
    data: {},
  } as const;
  for (let time = 0; time < 1000; time++) worker.sender.push({ kind: 'warning', error });
  expect(worker.sender.waitingBytes).toBeLessThanOrEqual(BACKLOG_BYTES);
  catchUp(worker, page);
  expect(page.others.length).toBeGreaterThan(10);
  expect(page.others.length).toBeLessThan(1000);
});
