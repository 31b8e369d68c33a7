import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { describeError } from '../../src/core/error.ts';
import { findNonJson } from '../../src/core/json.ts';
import {
  type BackgroundTaskMove,
  type BackgroundTaskPolicies,
  type BackgroundTaskRecord,
  type BackgroundTaskState,
  hasEnded,
  moveBackgroundTask,
  newBackgroundTask,
} from '../../src/core/task.ts';

const STATES = [
  'pending',
  'running',
  'waiting',
  'paused',
  'cancel_requested',
  'completed',
  'failed',
  'cancelled',
] as const satisfies readonly BackgroundTaskState[];

const COOPERATIVE: BackgroundTaskPolicies = { cancel: 'cooperative', close: 'keep', lost: 'fail' };

const task = (policies: Partial<BackgroundTaskPolicies> = {}, maxAttempts = 2): BackgroundTaskRecord =>
  newBackgroundTask(
    {
      id: 't',
      sessionId: 's',
      kind: 'other',
      producer: 'test',
      name: 'work',
      input: null,
      title: 'Work',
      parentTaskId: null,
      childSessionId: null,
      policies: { ...COOPERATIVE, ...policies },
      maxAttempts,
    },
    1,
  );

const failure = describeError('Internal', 'it broke', {});
const MOVES = {
  start: { type: 'start', owner: 'a' },
  progress: { type: 'progress', message: 'half', by: 'a' },
  wait: { type: 'wait', waiting: true, by: 'a' },
  'go on': { type: 'wait', waiting: false, by: 'a' },
  pause: { type: 'pause' },
  cancel: { type: 'cancel', reason: 'enough' },
  complete: { type: 'end', outcome: { state: 'completed', result: 42 }, by: 'a' },
  fail: { type: 'end', outcome: { state: 'failed', failure }, by: 'a' },
  stop: { type: 'end', outcome: { state: 'cancelled', reason: null }, by: 'a' },
  lose: { type: 'lose', owner: 'a', to: 'a' },
} as const satisfies Record<string, BackgroundTaskMove>;
type MoveName = keyof typeof MOVES;

/** What may become of a task that nobody but `a` runs, by the name of the move: the whole machine, written down. */
interface Model {
  readonly state: BackgroundTaskState;
  readonly attempt: number;
  readonly owner: 'a' | null;
}

function model(
  { state, attempt, owner }: Model,
  move: MoveName,
  { cancel, lost }: BackgroundTaskPolicies,
  maxAttempts: number,
): Model | 'refused' {
  if (['completed', 'failed', 'cancelled'].includes(state)) return 'refused';
  const isBegun = state === 'running' || state === 'waiting';
  const to = (next: BackgroundTaskState, heir: 'a' | null = owner): Model => ({
    state: next,
    attempt,
    owner: heir,
  });
  switch (move) {
    case 'start':
      if (state !== 'pending' && state !== 'paused') return 'refused';
      return { state: 'running', attempt: attempt === 0 ? 1 : attempt, owner: 'a' };
    case 'wait':
      return isBegun ? to('waiting') : 'refused';
    case 'go on':
      return isBegun ? to('running') : 'refused';
    case 'pause':
      return isBegun ? to('paused', null) : 'refused';
    case 'cancel':
      if (state === 'cancel_requested') return to(state);
      if (state === 'paused' || cancel === 'abort') return to('cancelled', null);
      return state === 'pending' && cancel === 'cooperative' ? to('cancelled', null) : to('cancel_requested');
    case 'progress':
      return owner === null ? 'refused' : to(state);
    case 'complete':
      return owner === null ? 'refused' : to('completed', null);
    case 'fail':
      return owner === null ? 'refused' : to('failed', null);
    case 'stop':
      return owner === null ? 'refused' : to('cancelled', null);
    case 'lose':
      if (owner === null) return 'refused';
      if (state === 'cancel_requested') return to('cancelled', null);
      if (lost === 'fail' || attempt === maxAttempts) return to('failed', null);
      return { state: 'running', attempt: attempt + 1, owner: 'a' };
  }
}

const policies: fc.Arbitrary<BackgroundTaskPolicies> = fc.record({
  cancel: fc.constantFrom('cooperative', 'abort', 'external'),
  close: fc.constantFrom('keep', 'cancel', 'transfer', 'pause'),
  lost: fc.constantFrom('fail', 'resume'),
});
const moves = fc.array(fc.constantFrom(...(Object.keys(MOVES) as MoveName[])), { maxLength: 30 });

describe('the state machine of background tasks', () => {
  test('[BT1][BT2][BT3][BT4][BT6] does what a plain model does, whatever happens to a task in whatever order', () => {
    const seen = new Set<BackgroundTaskState>();
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 3 }), moves, (chosen, maxAttempts, names) => {
        let record = task(chosen, maxAttempts);
        let expected: Model = { state: 'pending', attempt: 0, owner: null };
        for (const [index, name] of names.entries()) {
          const before = record;
          const moved = moveBackgroundTask(before, MOVES[name], index + 2);
          const next = model(expected, name, chosen, maxAttempts);
          const refusal = hasEnded(before) ? 'ended' : 'impossible';
          expect(moved).toMatchObject(
            next === 'refused' ? { ok: false, refusal } : { ok: true, record: next },
          );
          if (next !== 'refused') expected = next;
          record = moved.ok ? moved.record : before;
          seen.add(record.state);
          expect(record.completedAt === null).toBe(!hasEnded(record));
          expect(findNonJson(record)).toBeUndefined();
        }
        expect(record.attempt).toBeLessThanOrEqual(maxAttempts);
      }),
      { seed: 20_261_127, numRuns: 3000 },
    );
    expect([...seen].toSorted()).toEqual(STATES.toSorted());
  });

  test('[BT1] ends once, whatever follows: no sequence of moves has two ends', () => {
    fc.assert(
      fc.property(policies, moves, (chosen, names) => {
        let record = task(chosen);
        let ends = 0;
        for (const [index, name] of names.entries()) {
          const moved = moveBackgroundTask(record, MOVES[name], index);
          if (moved.ok && hasEnded(moved.record)) ends++;
          if (moved.ok) ({ record } = moved);
        }
        expect(ends).toBe(hasEnded(record) ? 1 : 0);
      }),
      { seed: 37, numRuns: 2000 },
    );
  });
});

/** A task after these moves. */
function after(first: BackgroundTaskRecord, ...made: readonly BackgroundTaskMove[]): BackgroundTaskRecord {
  return made.reduce((record, move, index) => {
    const moved = moveBackgroundTask(record, move, index + 2);
    if (!moved.ok) throw new Error(`${move.type} was refused in ${record.state}`);
    return moved.record;
  }, first);
}

describe('a background task', () => {
  it.each(['completed', 'failed', 'cancelled'] as const)('[BT1] that is %s refuses every move', (state) => {
    const ended = { ...after(task(), MOVES.start), state };
    for (const move of [...Object.values(MOVES), { type: 'transfer', sessionId: 'p', owner: null } as const])
      expect(moveBackgroundTask(ended, move, 9)).toEqual({ ok: false, refusal: 'ended' });
  });

  it('[BT3] that is asked to stop keeps the first reason, and is the same record when it is asked again', () => {
    const asked = after(task(), MOVES.start, MOVES.cancel);
    expect(asked).toMatchObject({ state: 'cancel_requested', cancelReason: 'enough' });
    const again = moveBackgroundTask(asked, { type: 'cancel', reason: 'again' }, 9);
    expect(again.ok && again.record).toBe(asked);
    expect(after(asked, MOVES.stop)).toMatchObject({ state: 'cancelled', cancelReason: 'enough' });
  });

  it('[BT3] that was asked to stop may complete all the same', () => {
    expect(after(task(), MOVES.start, MOVES.cancel, MOVES.complete)).toMatchObject({
      state: 'completed',
      result: 42,
      cancelReason: 'enough',
      completedAt: 4,
    });
  });

  it.each(['progress', 'wait', 'complete', 'fail', 'stop'] as const)(
    '[BT5] does not hear a run say %s that does not own it any more',
    (name) => {
      const stolen = after(task({ lost: 'resume' }), MOVES.start, { type: 'lose', owner: 'a', to: 'b' });
      expect(moveBackgroundTask(stolen, MOVES[name], 9)).toEqual({ ok: false, refusal: 'impossible' });
    },
  );

  it('[BT4] is transferred as it is, and then is a task of the other session', () => {
    const moved = after(task(), MOVES.start, MOVES.wait, { type: 'transfer', sessionId: 'p', owner: 'b' });
    expect(moved).toMatchObject({ sessionId: 'p', state: 'waiting', owner: 'b', attempt: 1 });
  });

  it('[BT6] is begun again by one of those who find it lost', () => {
    const lost = after(task({ lost: 'resume' }), MOVES.start);
    const first = after(lost, { type: 'lose', owner: 'a', to: 'b' });
    expect(first).toMatchObject({ state: 'running', owner: 'b', attempt: 2 });
    expect(moveBackgroundTask(first, { type: 'lose', owner: 'a', to: 'c' }, 9)).toEqual({
      ok: false,
      refusal: 'impossible',
    });
  });

  it('[BT6] has failed where nobody can begin it again', () => {
    expect(
      after(task({ lost: 'resume' }), MOVES.start, { type: 'lose', owner: 'a', to: null }),
    ).toMatchObject({
      state: 'failed',
      owner: null,
      failure: { code: 'TaskLost', data: { taskId: 't', attempt: 1 } },
    });
  });
});
