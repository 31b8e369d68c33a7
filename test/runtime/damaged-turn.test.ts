import { describe, expect, it } from 'vitest';

import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { RecordedTurn } from '../../src/contract/turn-store.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { corrupt } from '../../src/stores/rules/storage-error.ts';
import { standIn } from '../../src/testing/stand-in.ts';
import { eventually } from '../support/eventually.ts';
import { mortalTab } from './mortal.ts';
import { answers, expectInStep, lastingAttachments, openShared, sharedStorage } from './stores.ts';
import { plays, text } from './support.ts';

type Damage = (recorded: RecordedTurn) => RecordedTurn;

const state =
  (value: JsonValue): Damage =>
  (recorded) => ({ ...recorded, state: value });
const DAMAGES: readonly (readonly [string, Damage])[] = [
  [
    'is no JSON',
    () => {
      throw corrupt('s', null, 'what is kept of a turn is no JSON');
    },
  ],
  ['has no plan', (recorded) => ({ ...recorded, plan: null })],
  ['has a plan without a provider', (recorded) => ({ ...recorded, plan: { policy: {}, turnIndex: 1 } })],
  ['has no state', state(null)],
  ['has an empty state', state({})],
  ['has a state without a phase', state({ state: { step: 0 }, appended: true })],
  ['is in a phase that there is not', state({ state: { phase: { name: 'dancing' } }, appended: true })],
  ['is over', state({ state: { phase: { name: 'finished' } }, appended: true })],
  ['has an entry that is none', (recorded) => ({ ...recorded, journal: [null] })],
];

/** Storage in which the record of each turn is damaged. */
function damaging(origin: SessionStoreFactory, damage: Damage): SessionStoreFactory {
  return standIn(origin, {
    open: async (sessionId, mode) => {
      const store = await origin.open(sessionId, mode);
      const load = async (turnId: string): Promise<RecordedTurn | null> => {
        const recorded = await store.turns.load(turnId);
        return recorded === null ? null : damage(recorded);
      };
      return standIn(store, { turns: standIn(store.turns, { load }) });
    },
  });
}

/** Storage that a killed tab left, with the turn `t` begun and damaged. */
async function left(damage: Damage): Promise<ReturnType<typeof sharedStorage>> {
  const origin = new InMemorySessionStoreFactory();
  const tab = mortalTab(origin);
  const attachments = lastingAttachments();
  const first = await openShared(sharedStorage(tab.factory, attachments), plays([text('half'), 'hang']));
  await first.turn('hi', { inputId: 't' }).accepted;
  await tab.kill();
  return sharedStorage(damaging(origin, damage), attachments);
}

describe.each(DAMAGES)('a turn whose record %s', (_what, damage) => {
  it('[ST6] is shown with what is wrong, and the session can be opened and read', async () => {
    const runtime = await openShared(await left(damage), answers());
    expect(runtime.view().turn).toMatchObject({ turnId: 't', interrupted: true });
    expect(runtime.view().turn?.warnings).toEqual([expect.stringContaining('cannot be read')]);
    expect(runtime.view().window.nodes).toHaveLength(1);
    await eventually(async () =>
      expect(await runtime.pendingTurns()).toMatchObject([{ turnId: 't', status: 'interrupted' }]),
    );
    expect(runtime.view().writer).toBe('nobody');
    await expect(runtime.turn('next').accepted).rejects.toMatchObject({ code: 'TurnRunning' });
    await runtime.close();
  });

  it('[ST6][TU5][TU6] fails when it is told to stop, once, and what is queued behind it begins', async () => {
    const storage = await left(damage);
    const runtime = await openShared(storage, answers('two'));
    const ends: unknown[] = [];
    runtime.subscribe((event) => {
      if (event.type === 'turn-finished' && event.turnId === 't') ends.push(event.result.status);
    });
    const turn = runtime.turn('hi', { inputId: 't' });
    const next = runtime.turn('next', { whenRunning: 'queue' });
    await next.accepted;
    expect(await turn.cancel()).toMatchObject({
      status: 'failed',
      reason: 'runtime_error',
      error: { code: 'StoredDataCorrupt' },
    });
    expect((await next.result).status).toBe('completed');
    expect(ends).toEqual(['failed']);
    expect(await runtime.pendingTurns()).toEqual([]);
    await eventually(async () => await expectInStep(runtime, storage));
    await runtime.close();
  });
});
