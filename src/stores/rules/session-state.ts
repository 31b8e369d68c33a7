import type { SessionMetaChange, StoreOpenMode } from '../../contract/store.ts';
import { LashError } from '../../core/error.ts';
import { isCount, isFields } from './node-fault.ts';
import { checkData, invalid } from './refusal.ts';
import { parentFault } from './session-parent.ts';

/** What a new session is made with. */
export type CreateMode = Extract<StoreOpenMode, { readonly kind: 'create' }>;

/** The id names a session that was deleted. */
export function sessionDeleted(sessionId: string): LashError<'SessionDeleted'> {
  return new LashError('SessionDeleted', `Session ${sessionId} was deleted`, { sessionId });
}

/** The id names no session. */
export function sessionNotFound(sessionId: string): LashError<'SessionNotFound'> {
  return new LashError('SessionNotFound', `There is no session ${sessionId}`, { sessionId });
}

/** The id is taken. */
export function sessionExists(sessionId: string): LashError<'SessionExists'> {
  return new LashError('SessionExists', `Session ${sessionId} exists already`, { sessionId });
}

/** The handle was closed. */
export function sessionClosed(sessionId: string): LashError<'SessionClosed'> {
  return new LashError('SessionClosed', `This handle of session ${sessionId} was closed`, { sessionId });
}

/** Checks what a new session is made with, and copies what the caller may change. @throws `InvalidInput`, `NotData` */
export function checkCreate(mode: CreateMode): CreateMode {
  const { title, policy, at, parent } = mode;
  checkMeta({ title: title ?? null, policy: policy ?? null, at });
  checkData(parent ?? null, 'parent');
  const fault = parent === undefined ? undefined : parentFault(parent);
  if (fault !== undefined) throw invalid(fault, 'must say whose child the session is');
  return structuredClone(mode);
}

/** Checks a change of a session's meta. @throws `InvalidInput`, `NotData` */
export function checkMeta({
  title,
  policy,
  at,
}: { readonly [Name in keyof SessionMetaChange]: unknown }): void {
  checkData(policy ?? null, 'policy');
  if (title !== undefined && typeof title !== 'string') throw invalid('title', 'must be text');
  if (policy !== undefined && !isFields(policy)) throw invalid('policy', 'must be an object');
  if (!isCount(at)) throw invalid('at', 'must be Unix milliseconds');
}
