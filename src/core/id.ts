import { LashError } from './error.ts';
import { utf8Length } from './json.ts';

/** Session and operation ids: 1 to this many bytes of UTF-8. */
export const MAX_ID_BYTES = 128;

/**
 * The id of the node that the operation wrote at this place: `<operationId>.<ordinal>`, the ordinal counted from 0
 * (law ST4: rebuilding a commit gives the same ids).
 */
export function nodeIdOf(operationId: string, ordinal: number): string {
  return `${operationId}.${ordinal}`;
}

/** The operation and ordinal of a node id, or `undefined` if the text has not the form of one. */
export function parseNodeId(nodeId: string): { operationId: string; ordinal: number } | undefined {
  const dot = nodeId.lastIndexOf('.');
  const digits = nodeId.slice(dot + 1);
  if (dot < 1 || !/^(?:0|[1-9]\d{0,8})$/.test(digits)) return undefined;
  return { operationId: nodeId.slice(0, dot), ordinal: Number(digits) };
}

/**
 * `id` itself when it can name a session, an operation or a turn.
 *
 * @throws `InvalidInput` when it is empty or longer than {@link MAX_ID_BYTES}.
 */
export function checkId(id: string, path: string): string {
  const bytes = utf8Length(id);
  if (bytes > 0 && bytes <= MAX_ID_BYTES) return id;
  const reason = `must be 1 to ${MAX_ID_BYTES} bytes of UTF-8, and has ${bytes}`;
  throw new LashError('InvalidInput', `${path} ${reason}`, { path, reason });
}
