import { LashError } from '../../core/error.ts';
import { findNonJson } from '../../core/json.ts';

/** A node that is not there, or not any more. */
export function nodeNotFound(sessionId: string, nodeId: string): LashError<'NodeNotFound'> {
  const message = `Session ${sessionId} has no node ${nodeId}`;
  return new LashError('NodeNotFound', message, { sessionId, nodeId });
}

/** An argument that cannot be meant. */
export function invalid(path: string, reason: string): LashError<'InvalidInput'> {
  return new LashError('InvalidInput', `${path} ${reason}`, { path, reason });
}

/** @throws `NotData` when something in `value` is not JSON. */
export function checkData(value: unknown, path: string): void {
  const found = findNonJson(value, path);
  if (found !== undefined) throw new LashError('NotData', `${found} is not JSON data`, { path: found });
}

/** A copy of data, which the caller cannot change any more. @throws `NotData` */
export function copyData<T>(value: T, path: string): T {
  checkData(value, path);
  return structuredClone(value);
}

/** A copy of what is data; what is not is refused later, for that. */
export function copyIfData<T>(value: T): T {
  return findNonJson(value) === undefined ? structuredClone(value) : value;
}

/** @throws `WriterFenced` unless a writer's epoch is the session's */
export function checkEpoch(expected: number, actual: number): void {
  if (expected === actual) return;
  const message = `The writer's epoch is ${expected}, and the session's is ${actual}`;
  throw new LashError('WriterFenced', message, { expected, actual });
}
