import { describe, expect, it } from 'vitest';

import { systemClock } from '../../src/contract/clock.ts';
import type { Provider } from '../../src/contract/provider.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { SessionEvent } from '../../src/core/event.ts';
import type { ModelEvent } from '../../src/core/model-event.ts';
import type { RuntimeOptions } from '../../src/runtime/runtime-options.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { eventually } from '../support/eventually.ts';
import { type MortalTab, mortalTab } from './mortal.ts';
import { answers, clockOfItsOwn, lastingAttachments } from './stores.ts';
import { memoryEnvironment, policy, text } from './support.ts';
import { dictated } from './tab-models.ts';

async function open(
  factory: SessionStoreFactory,
  provider: Provider,
  options: RuntimeOptions = {},
): Promise<LashRuntime> {
  const environment = memoryEnvironment((builder) =>
    builder.withSessionStoreFactory(factory).withAttachmentStore(lastingAttachments()),
  );
  const common = { sessionId: 's', mode: 'openOrCreate', policy, clock: clockOfItsOwn() } as const;
  return await LashRuntime.open(environment, { ...common, ...options, providers: { fake: provider } });
}

/** What the journal of the turn holds of shown text, in pieces. */
async function shownTexts(factory: SessionStoreFactory): Promise<readonly string[]> {
  const store = await factory.open('s', { kind: 'open' });
  const recorded = await store.turns.load('t');
  const entries = (recorded?.journal ?? []) as unknown as readonly {
    readonly shown?: readonly { readonly text: string }[];
  }[];
  return entries.flatMap(({ shown = [] }) => shown.map((piece) => piece.text));
}

describe('a turn whose tab died in the middle of an answer', () => {
  it('[TU8] shows its text as interrupted until somebody goes on, and then withdraws it', async () => {
    const origin = new InMemorySessionStoreFactory();
    const tab = mortalTab(origin);
    const model = dictated();
    const first = await open(tab.factory, model);
    const turn = first.turn('hi', { inputId: 't' });
    await turn.accepted;
    model.say('half ');
    await eventually(async () => expect(await shownTexts(origin)).toEqual(['half ']));
    model.say('an answer');
    await eventually(async () => expect(await shownTexts(origin)).toEqual(['half ', 'an answer']));
    await tab.kill();

    const second = await open(origin, answers('the whole answer'), { unfinishedTurns: 'ask' });
    expect(second.view().turn).toMatchObject({ turnId: 't', text: 'half an answer', interrupted: true });
    expect(await second.pendingTurns()).toMatchObject([{ turnId: 't', status: 'interrupted' }]);
    expect(second.view().window.nodes).toHaveLength(1);
    const events: SessionEvent[] = [];
    second.subscribe((event) => events.push(event));
    second.resumeTurns();
    expect((await second.turn('hi', { inputId: 't' }).result).status).toBe('completed');
    const types = events.map(({ type }) => type);
    expect(types.indexOf('attempt-withdrawn')).toBeGreaterThanOrEqual(0);
    expect(types.indexOf('attempt-withdrawn')).toBeLessThan(types.indexOf('text-delta'));
    expect(JSON.stringify(second.view().window.nodes)).not.toContain('half');
    expect(second.view().window.nodes).toHaveLength(2);
  });

  it('[TU8] writes text in pieces that do not grow, with pauses between them', async () => {
    const origin = new InMemorySessionStoreFactory();
    const pieces = 400;
    const long: Provider = {
      model: 'fake-1',
      maxContextTokens: 100_000,
      async *stream(): AsyncIterable<ModelEvent> {
        for (let piece = 0; piece < pieces; piece++) {
          await Promise.resolve();
          yield text(`word ${piece} `);
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
        yield {
          type: 'finish',
          reason: 'stop',
          usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0 },
        };
      },
    };
    const tab = mortalTab(origin);
    const runtime = await open(tab.factory, long);
    await runtime.turn('hi', { inputId: 't' }).result;
    const records = tab.writes.filter((name) => name === 'record').length;
    expect(records).toBeGreaterThan(0);
    expect(records).toBeLessThan(pieces / 10);
  });
});

describe('a turn whose tab died once its end was stored', () => {
  /** Lets a tab run the turn `t`, which another tab follows, until it has ended or the tab is dead. */
  async function follow(
    origin: SessionStoreFactory,
    tab: MortalTab,
  ): Promise<{ readonly follower: LashRuntime; readonly events: readonly SessionEvent[] }> {
    const model = dictated();
    const first = await open(tab.factory, model);
    const turn = first.turn('hi', { inputId: 't' });
    await turn.accepted;
    model.say('an answer');
    await eventually(async () => expect(await shownTexts(origin)).toEqual(['an answer']));
    const follower = await open(origin, answers('another answer'), { clock: systemClock });
    await eventually(() => expect(follower.view().turn).toMatchObject({ turnId: 't', text: 'an answer' }));
    const events: SessionEvent[] = [];
    follower.subscribe((event) => events.push(event));
    model.done();
    await Promise.race([turn.result, eventually(() => expect(tab.isDead()).toBe(true))]);
    return { follower, events };
  }

  it('[TU6] is over for whoever hears how it ended', async () => {
    const whole = new InMemorySessionStoreFactory();
    const unharmed = mortalTab(whole);
    await follow(whole, unharmed);
    const origin = new InMemorySessionStoreFactory();
    const tab = mortalTab(origin, { write: unharmed.writes.lastIndexOf('commit'), when: 'after' });
    const { follower, events } = await follow(origin, tab);
    expect(tab.isDead()).toBe(true);
    expect((await follower.turn('hi', { inputId: 't' }).result).status).toBe('completed');
    expect(follower.view()).toMatchObject({ turn: null, lastTurn: { turnId: 't' } });
    expect(events.filter(({ type }) => type === 'turn-finished')).toHaveLength(1);
    expect(follower.view().window.nodes).toHaveLength(2);
    await follower.close();
  });
});
