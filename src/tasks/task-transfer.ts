import { isLashError } from '../core/error.ts';
import { type BackgroundTaskRecord, hasEnded } from '../core/task.ts';
import { isRefusal, moveRefused, stopped, taskExists, taskNotFound } from './task-errors.ts';
import type { TaskLedger } from './task-ledger.ts';
import type { TaskOwner } from './task-owner.ts';
import type { RunHome, TaskRun } from './task-run.ts';

/** A session between which and another one a task moves. */
export interface TransferSide extends RunHome {
  readonly sessionId: string;
  readonly ledger: TaskLedger;
  readonly owner: TaskOwner;
  readonly runs: Map<string, TaskRun>;
  /** The ids of tasks that somebody else does, and that were registered in this worker. */
  readonly registered: Set<string>;
  /** The ids of tasks that are on their way out. */
  readonly leaving: Set<string>;
}

/**
 * Makes a task, and its run, one of another session (rule BH7). The record that stays says first where the task goes, and who
 * moves it: if that one dies in between, whoever finds the record does the rest. Once the task has arrived, nobody is named.
 *
 * @throws `TaskNotFound`, `TaskEnded`, `TaskExists`; `InvalidTaskMove` for one that runs in another tab
 */
export async function transferTask(
  from: TransferSide,
  to: TransferSide,
  taskId: string,
): Promise<BackgroundTaskRecord> {
  const run = from.runs.get(taskId);
  const record = from.ledger.find(taskId);
  if (record === undefined || record.sessionId !== from.sessionId)
    throw taskNotFound(from.sessionId, taskId, record);
  if (hasEnded(record)) throw moveRefused(record, 'transfer', 'ended');
  if (record.owner !== null && run === undefined) throw moveRefused(record, 'transfer', 'impossible');
  if (to.ledger.find(taskId) !== undefined) throw taskExists(to.sessionId, taskId);
  await Promise.all([from.owner.hold(), to.owner.hold()]);
  const arrive = run?.depart();
  from.leaving.add(taskId);
  if (run !== undefined) {
    from.runs.delete(taskId);
    to.runs.set(taskId, run);
  }
  const isRegistered = from.registered.delete(taskId);
  // For the others there is nothing to do when their session is closed.
  if (isRegistered && record.policies.close !== 'keep') to.registered.add(taskId);
  try {
    const { sessionId } = to;
    const by = record.owner;
    const gone = await from.ledger.move(taskId, { type: 'transfer', sessionId, owner: from.owner.id, by });
    const arrived = await to.ledger.add({ ...gone, owner: run === undefined ? null : to.owner.id });
    arrive?.(to);
    // Where this fails, the task is there all the same, and whoever opens the session does it.
    await arrivedThere(from, taskId).catch(() => undefined);
    return arrived;
  } catch (error) {
    if (run !== undefined) {
      to.runs.delete(taskId);
      from.runs.set(taskId, run);
    }
    if (isRegistered) from.registered.add(taskId);
    to.registered.delete(taskId);
    // What was refused is not on its way, or somebody else moves it.
    if (!isRefusal(error)) await bringBack(from, taskId, record.owner).catch(() => undefined);
    arrive?.(from);
    const left = from.ledger.find(taskId);
    if (run !== undefined && (left === undefined || hasEnded(left) || left.owner !== record.owner)) {
      from.over(run);
      run.drop(stopped(left?.cancelReason ?? left?.state ?? 'its record is gone'));
    }
    throw error;
  } finally {
    from.leaving.delete(taskId);
  }
}

/** Does the rest of a transfer whose mover is gone. A task whose new session is gone comes back, and is lost here. */
export async function finishTransfer(
  from: TransferSide,
  openTo: () => Promise<TransferSide>,
  record: BackgroundTaskRecord,
): Promise<void> {
  const { id, name, state, owner } = record;
  try {
    const to = await openTo();
    const isRun = name !== null && state !== 'pending' && state !== 'paused';
    if (to.ledger.find(id) === undefined) await to.ledger.add({ ...record, owner: isRun ? owner : null });
  } catch (error) {
    if (isLashError(error, 'SessionNotFound') || isLashError(error, 'SessionDeleted'))
      return await bringBack(from, id, owner);
    if (!isLashError(error, 'TaskExists')) throw error;
  }
  await arrivedThere(from, id);
}

async function arrivedThere({ ledger, sessionId }: TransferSide, taskId: string): Promise<void> {
  await ledger.change(taskId, 'transfer', (record) => ({
    ok: true,
    record: record.sessionId === sessionId ? record : { ...record, owner: null },
  }));
}

async function bringBack(
  { ledger, sessionId }: TransferSide,
  taskId: string,
  owner: string | null,
): Promise<void> {
  try {
    await ledger.change(taskId, 'transfer', (record) => ({
      ok: true,
      record: record.sessionId === sessionId ? record : { ...record, sessionId, owner },
    }));
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}
