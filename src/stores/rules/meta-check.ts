import type { SessionMetaChange } from '../../contract/store.ts';
import { isCount, isFields } from './node-fault.ts';
import { checkData, invalid } from './refusal.ts';
import { parentFault } from './session-parent.ts';
import type { CreateMode } from './session-state.ts';

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
