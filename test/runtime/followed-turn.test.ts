import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { systemClock } from '../../src/contract/clock.ts';
import type { SessionNotice } from '../../src/contract/lease.ts';
import type { Provider } from '../../src/contract/provider.ts';
import { LashError } from '../../src/core/error.ts';
import type { SessionEvent } from '../../src/core/event.ts';
import type { RuntimeOptions } from '../../src/runtime/runtime-options.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { eventually } from '../support/eventually.ts';
import { memoryEnvironment, policy } from './support.ts';
import { dictated, echo } from './tab-models.ts';

let factory: InMemorySessionStoreFactory;
let runtimes: LashRuntime[];
/** Which notices get lost. */
let lost: (notice: SessionNotice) => boolean;

beforeEach(() => {
  factory = new InMemorySessionStoreFactory();
  runtimes = [];
  lost = () => false;
  const { leases } = factory;
  const publish = leases.publish.bind(leases);
  vi.spyOn(leases, 'publish').mockImplementation((sessionId, notice, except) => {
    if (!lost(notice)) publish(sessionId, notice, except);
  });
});

afterEach(async () => {
  for (const runtime of runtimes) await runtime.close();
});

async function open(provider: Provider, options: RuntimeOptions = {}): Promise<LashRuntime> {
  const environment = memoryEnvironment((builder) => builder.withSessionStoreFactory(factory));
  const own = { sessionId: 's', mode: 'openOrCreate', policy, providers: { fake: provider } } as const;
  const runtime = await LashRuntime.open(environment, { clock: systemClock, ...own, ...options });
  runtimes.push(runtime);
  return runtime;
}

/** A tab that follows, with a clock of its own. */
async function follower(): Promise<{
  readonly tab: LashRuntime;
  readonly clock: ManualClock;
  readonly ends: SessionEvent[];
}> {
  const clock = new ManualClock();
  const tab = await open(echo(), { clock });
  const ends: SessionEvent[] = [];
  tab.subscribe((event) => {
    if (event.type === 'turn-finished') ends.push(event);
  });
  return { tab, clock, ends };
}

/** A turn `t` of one tab that has said so much, and the tab that follows it. */
async function runningTurn(said: string, lingerMs: number) {
  const model = dictated();
  const a = await open(model, { lingerMs });
  const { tab: b, ...rest } = await follower();
  const turn = a.turn('hi', { inputId: 't' });
  model.say(said);
  await eventually(() => expect(b.view().turn?.text).toBe(said));
  return { model, a, b, turn, ...rest };
}

const isEnd = (notice: SessionNotice): boolean =>
  notice.kind === 'activity' && notice.activity.some(({ type }) => type === 'turn-finished');

/** Lets a tab notice what others did, its clock moving on. */
async function passes(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    await clock.advance(250);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

describe('a turn of another tab whose end was not heard', () => {
  it('[FO5] is asked about, and ends as the one who ran it says', async () => {
    const { a, b, clock, ends, turn } = await runningTurn('half', 600_000);
    lost = isEnd;
    const result = await turn.cancel('enough');
    await eventually(() => expect(b.view().head).toEqual(a.view().head));
    expect(b.view().turn?.turnId).toBe('t');
    lost = () => false;
    await passes(clock, 3000);
    expect(b.view()).toMatchObject({ turn: null, lastTurn: { turnId: 't', result }, writer: 'elsewhere' });
    expect(ends).toHaveLength(1);
  });

  it('[FO5] ends with the error that only the other tab knows, before the lease goes', async () => {
    const failing: Provider = {
      ...echo(),
      async *stream() {
        await new Promise((resolve) => setTimeout(resolve, 50));
        yield* [];
        throw new LashError('ProviderUnauthorized', 'no', { status: 401 });
      },
    };
    const a = await open(failing, { lingerMs: 20 });
    const { tab: b, clock } = await follower();
    lost = isEnd;
    const turn = a.turn('hi', { inputId: 't' });
    await eventually(() => expect(b.view().turn?.turnId).toBe('t'));
    await turn.result;
    await eventually(() => expect(b.view().writer).toBe('nobody'));
    lost = () => false;
    await passes(clock, 500);
    const error = { code: 'ProviderUnauthorized' };
    expect(b.view()).toMatchObject({ turn: null, lastTurn: { turnId: 't', result: { error } } });
  });

  it('[FO5] ends as its nodes tell when the tab that ran it is gone', async () => {
    const { model, a, b, clock, ends, turn } = await runningTurn('whole', 20);
    // From here on it hears nothing of the other one.
    lost = () => true;
    model.done();
    const { usage, leaf } = await turn.result;
    await a.close();
    await passes(clock, 4000);
    const end = { status: 'completed', reason: 'assistant_message', usage, leaf };
    expect(b.view()).toMatchObject({ turn: null, writer: 'nobody', lastTurn: { turnId: 't', result: end } });
    expect(b.view().window.nodes).toHaveLength(2);
    expect(ends).toHaveLength(1);
    expect(clock.sleeping).toEqual([]);
  });

  it('[FO5] ends before another one shows', async () => {
    const { model, a, b, ends, turn } = await runningTurn('whole', 600_000);
    lost = (notice) => isEnd(notice) || notice.kind === 'changed';
    model.done();
    await turn.result;
    lost = () => false;
    const next = a.turn('more', { inputId: 'u' });
    model.say('next');
    await eventually(() => expect(b.view().turn).toMatchObject({ turnId: 'u', text: 'next' }));
    expect(ends).toMatchObject([{ turnId: 't', result: { status: 'completed' } }]);
    model.done();
    await next.result;
    await eventually(() => expect(ends).toHaveLength(2));
  });
});

describe('a notice of a turn that comes late', () => {
  it('[FO5] shows nothing of a turn that was heard to end', async () => {
    const { model, b, clock, ends, turn } = await runningTurn('whole', 20);
    const { turn: late } = b.view();
    model.done();
    await turn.result;
    await eventually(() => expect(b.view().writer).toBe('nobody'));
    const { lastTurn } = b.view();
    expect(lastTurn?.result.status).toBe('completed');
    factory.leases.publish('s', { kind: 'turn', turn: late! });
    const delta = { type: 'text-delta', turnId: 't', correlationId: 't:0:1', text: 'x' } as const;
    factory.leases.publish('s', { kind: 'activity', activity: [delta] });
    await passes(clock, 500);
    expect([b.view().turn, b.view().lastTurn, ends.length]).toEqual([null, lastTurn, 1]);
  });

  it('[FO5] shows a turn that this tab never heard of until it is found to be over', async () => {
    const a = await open(echo(), { lingerMs: 0 });
    const first = await a.turn('hi', { inputId: 't' }).result;
    await a.turn('more', { inputId: 'u' }).result;
    const { tab: b, clock, ends } = await follower();
    await eventually(() => expect(b.view().writer).toBe('nobody'));
    const turn = { turnId: 't', step: 0, correlationId: null, text: 'late', reasoning: '', toolCalls: [] };
    factory.leases.publish('s', {
      kind: 'turn',
      turn: { ...turn, retry: null, waits: [], warnings: [], interrupted: false },
    });
    await eventually(() => expect(b.view().turn?.text).toBe('late'));
    await passes(clock, 3000);
    expect(b.view()).toMatchObject({ turn: null, lastTurn: { turnId: 't', result: first } });
    expect(ends).toHaveLength(1);
    expect(clock.sleeping).toEqual([]);
  });

  it('[FO5] that tells nothing new changes nothing, however long the model thinks', async () => {
    const { model, b, clock, turn } = await runningTurn('hm', 5000);
    const view = b.view();
    await passes(clock, 20_000);
    expect(b.view()).toBe(view);
    model.done();
    await turn.result;
    await eventually(() => expect(b.view().lastTurn?.result.status).toBe('completed'));
  });
});
