import { describeError, type WireError } from './error.ts';
import type { JsonValue } from './json.ts';

/**
 * How a background task is doing. `pending`: nobody has begun it. `waiting`: it runs, and waits for something. `paused`: nobody
 * runs it, and it is begun again. `cancel_requested`: it was asked to stop, and has not. The last three are final.
 */
export type BackgroundTaskState =
  | 'pending'
  | 'running'
  | 'waiting'
  | 'paused'
  | 'cancel_requested'
  | 'completed'
  | 'failed'
  | 'cancelled';

/** What a background task is for. */
export type BackgroundTaskKind = 'monitor' | 'subagent' | 'observer' | 'other';

/** What is to become of a task when something happens to it, or to its session. */
export interface BackgroundTaskPolicies {
  /**
   * When it is cancelled. `cooperative`: it is asked to stop, and what it settles with decides. `abort`: it is cancelled at once,
   * and what it settles with is dropped. `external`: it stays asked to stop until somebody completes it.
   */
  readonly cancel: 'cooperative' | 'abort' | 'external';
  /**
   * When its session is closed or parked where it runs. `keep`: it runs on, as long as the worker does. `cancel`: it is cancelled.
   * `transfer`: it goes on as a task of the parent session, and is kept where there is none. `pause`: it is stopped, and begun
   * again when the session is opened. When the call is over that asked for a child session, `keep` and `pause` are `transfer`.
   */
  readonly close: 'keep' | 'cancel' | 'transfer' | 'pause';
  /** When whoever runs it is gone: it has failed (`TaskLost`), or is begun again, at most `maxAttempts` times in all. */
  readonly lost: 'fail' | 'resume';
}

/** How a task ended. */
export type BackgroundTaskOutcome =
  | { readonly state: 'completed'; readonly result: JsonValue }
  | { readonly state: 'failed'; readonly failure: WireError }
  | { readonly state: 'cancelled'; readonly reason: string | null };

/** One background task, as it is stored. Times are Unix milliseconds. */
export interface BackgroundTaskRecord {
  /** Unique in its session. */
  readonly id: string;
  readonly sessionId: string;
  readonly kind: BackgroundTaskKind;
  /** Who wanted it: a plugin, a tool, a page. */
  readonly producer: string;
  /** Of its definition; `null` where somebody else does the work. */
  readonly name: string | null;
  readonly input: JsonValue;
  readonly title: string;
  readonly parentTaskId: string | null;
  /** The session in which it works, where it has one of its own. */
  readonly childSessionId: string | null;
  readonly state: BackgroundTaskState;
  readonly policies: BackgroundTaskPolicies;
  /** Which run this is, from 1; 0 before the first. One that was paused goes on as the same run. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** What it said last of how far it is. */
  readonly progress: string | null;
  readonly result: JsonValue;
  readonly failure: WireError | null;
  readonly cancelReason: string | null;
  /** Who runs it; `null` where nobody does, or somebody outside. */
  readonly owner: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** When it ended. */
  readonly completedAt: number | null;
}

/** What happens to a task. With `by`, it is said by a run, and counts only while that one owns the task. */
export type BackgroundTaskMove =
  /** Somebody begins it, for the first time or after a pause. */
  | { readonly type: 'start'; readonly owner: string | null }
  | { readonly type: 'progress'; readonly message: string; readonly by?: string }
  /** It waits for something, or does not any more. */
  | { readonly type: 'wait'; readonly waiting: boolean; readonly by?: string }
  | { readonly type: 'pause' }
  | { readonly type: 'cancel'; readonly reason: string | null }
  | { readonly type: 'end'; readonly outcome: BackgroundTaskOutcome; readonly by?: string }
  /** Its owner is gone. `to` could begin it again; `null`: nobody can. */
  | { readonly type: 'lose'; readonly owner: string; readonly to: string | null }
  /** It is to be a task of another session. With `by` only while that one owns it, or, `null`, nobody does. */
  | {
      readonly type: 'transfer';
      readonly sessionId: string;
      readonly owner: string | null;
      readonly by?: string | null;
    };

/** What a move makes of a task, or that it cannot be made. */
export type BackgroundTaskMoved =
  | { readonly ok: true; readonly record: BackgroundTaskRecord }
  | { readonly ok: false; readonly refusal: 'ended' | 'impossible' };

/** What a task begins as. */
export type NewBackgroundTask = Pick<
  BackgroundTaskRecord,
  | 'id'
  | 'sessionId'
  | 'kind'
  | 'producer'
  | 'name'
  | 'input'
  | 'title'
  | 'parentTaskId'
  | 'childSessionId'
  | 'policies'
  | 'maxAttempts'
>;

/** A task that nobody has begun. */
export function newBackgroundTask(task: NewBackgroundTask, at: number): BackgroundTaskRecord {
  return {
    ...task,
    state: 'pending',
    attempt: 0,
    progress: null,
    result: null,
    failure: null,
    cancelReason: null,
    owner: null,
    createdAt: at,
    updatedAt: at,
    completedAt: null,
  };
}

/** Whether it ended: nothing happens to it any more. */
export function hasEnded({ state }: Pick<BackgroundTaskRecord, 'state'>): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled';
}

/**
 * What `move` makes of a task at the time `at`. It knows every pair of a state and a move; one that it refuses changes nothing.
 *
 * - BT1 `completed`, `failed` and `cancelled` are final: every move is refused as `ended`.
 * - BT2 A task is begun out of `pending` and `paused`. Only what was begun, and is not paused, can say how far it is, wait, be
 *   paused, or complete; once it was asked to stop it neither waits nor is paused.
 * - BT3 A task is cancelled as its policy says: at once where nobody has begun it or it is paused, and with `abort`; else it is
 *   asked to stop. With `external`, one that nobody here has begun is asked as well. Asking twice changes nothing.
 * - BT4 Whatever is live can fail, be cancelled or be transferred.
 * - BT5 What a run says counts only while it owns the task: not after a pause, nor once somebody else began it again.
 * - BT6 A task whose owner is gone is begun again where its policy says so, attempts are left and somebody can; one that was asked
 *   to stop is cancelled; any other one has failed. Whoever comes second, with an owner that is not the owner any more, is refused.
 */
export function moveBackgroundTask(
  record: BackgroundTaskRecord,
  move: BackgroundTaskMove,
  at: number,
): BackgroundTaskMoved {
  if (hasEnded(record)) return { ok: false, refusal: 'ended' };
  const change = changeOf(record, move);
  if (change === null) return { ok: false, refusal: 'impossible' };
  if (change === NOTHING) return { ok: true, record };
  const moved = { ...record, ...change, updatedAt: at };
  return { ok: true, record: hasEnded(moved) ? { ...moved, owner: null, completedAt: at } : moved };
}

type Change = Partial<BackgroundTaskRecord>;

const NOTHING: Change = {};

function changeOf(record: BackgroundTaskRecord, move: BackgroundTaskMove): Change | null {
  const { state, policies } = record;
  const isBegun = state === 'running' || state === 'waiting';
  const isAsked = state === 'cancel_requested';
  if ('by' in move && move.by !== undefined && move.by !== record.owner) return null;
  switch (move.type) {
    case 'start': {
      if (state !== 'pending' && state !== 'paused') return null;
      return { state: 'running', owner: move.owner, attempt: Math.max(1, record.attempt) };
    }
    case 'progress':
      return isBegun || isAsked ? { progress: move.message } : null;
    case 'wait':
      return isBegun ? { state: move.waiting ? 'waiting' : 'running' } : null;
    case 'pause':
      return isBegun ? { state: 'paused', owner: null } : null;
    case 'cancel': {
      if (isAsked) return NOTHING;
      const isIdle = state === 'paused' || (state === 'pending' && policies.cancel !== 'external');
      const isOver = isIdle || policies.cancel === 'abort';
      return { state: isOver ? 'cancelled' : 'cancel_requested', cancelReason: move.reason };
    }
    case 'end':
      return endOf(record, move.outcome, isBegun || isAsked);
    case 'lose':
      return move.owner === record.owner ? lossOf(record, move) : null;
    case 'transfer':
      return { sessionId: move.sessionId, owner: move.owner };
  }
}

function endOf(
  record: BackgroundTaskRecord,
  outcome: BackgroundTaskOutcome,
  isBegun: boolean,
): Change | null {
  switch (outcome.state) {
    case 'completed':
      return isBegun ? { state: 'completed', result: outcome.result } : null;
    case 'failed':
      return { state: 'failed', failure: outcome.failure };
    case 'cancelled':
      return { state: 'cancelled', cancelReason: record.cancelReason ?? outcome.reason };
  }
}

function lossOf(
  { id, state, policies, attempt, maxAttempts }: BackgroundTaskRecord,
  { to }: Extract<BackgroundTaskMove, { readonly type: 'lose' }>,
): Change {
  if (state === 'cancel_requested') return { state: 'cancelled' };
  if (policies.lost === 'resume' && to !== null && attempt < maxAttempts)
    return { state: 'running', owner: to, attempt: attempt + 1 };
  const message = `Whoever ran it is gone, and it is not begun again (attempt ${attempt} of ${maxAttempts})`;
  return { state: 'failed', failure: describeError('TaskLost', message, { taskId: id, attempt }) };
}
