import type { WireError } from '../core/error.ts';
import { MAX_ID_BYTES } from '../core/id.ts';
import { type JsonValue, utf8Length } from '../core/json.ts';
import { refuseNonData } from '../core/plain-data.ts';
import { type BackgroundTaskOutcome, hasEnded } from '../core/task.ts';
import { invalid } from './task-errors.ts';

/** What a task's input, result or failure takes at most, in bytes of JSON. */
const DATA_BYTES = 16 * 1024;

/** Refuses what cannot be kept as a task's input or result. @throws `NotData`, `InvalidInput` */
export function checkTaskData(value: JsonValue, path: string): void {
  refuseNonData(value, path);
  const bytes = utf8Length(JSON.stringify(value));
  if (bytes > DATA_BYTES) throw invalid(path, `has ${bytes} bytes of JSON, and may have ${DATA_BYTES}`);
}

/** `value` itself where it is text. @throws `InvalidInput` */
export function checkText(value: unknown, path: string, maxChars: number = Infinity): string {
  if (typeof value !== 'string') throw invalid(path, 'must be text');
  if (value.length > maxChars) throw invalid(path, `has more than ${maxChars} characters`);
  return value;
}

/** `value` itself where it can name a task or a session. @throws `InvalidInput` */
export function checkName(value: unknown, path: string): string {
  const bytes = utf8Length(checkText(value, path));
  if (bytes === 0 || bytes > MAX_ID_BYTES)
    throw invalid(path, `must be 1 to ${MAX_ID_BYTES} bytes of UTF-8, and has ${bytes}`);
  return value as string;
}

/** `value` itself where it is one of these. @throws `InvalidInput` */
export function checkOneOf<T extends string>(value: unknown, values: readonly T[], path: string): T {
  const found = values.find((each) => each === value);
  if (found === undefined) throw invalid(path, `must be one of ${values.join(', ')}`);
  return found;
}

/** How a task ended, as it is kept. @throws `NotData`, `InvalidInput` for what is no outcome */
export function checkOutcome(outcome: BackgroundTaskOutcome): BackgroundTaskOutcome {
  checkObject(outcome, 'outcome');
  if (!hasEnded(outcome)) throw invalid('outcome.state', 'must be completed, failed or cancelled');
  switch (outcome.state) {
    case 'completed':
      checkTaskData(outcome.result, 'outcome.result');
      return outcome;
    case 'failed':
      return { state: 'failed', failure: checkFailure(outcome.failure, 'outcome.failure') };
    case 'cancelled':
      if (outcome.reason !== null) checkText(outcome.reason, 'outcome.reason');
      return outcome;
  }
}

/** Why a task failed, as it is kept: without its stack and its cause. */
function checkFailure(failure: WireError, path: string): WireError {
  const { lash, code, message, retryable, data } = checkObject(failure, path);
  if (lash !== 1) throw invalid(`${path}.lash`, 'must be 1');
  checkText(code, `${path}.code`);
  checkText(message, `${path}.message`);
  if (typeof retryable !== 'boolean') throw invalid(`${path}.retryable`, 'must be true or false');
  checkObject(data, `${path}.data`);
  const kept = { lash, code, message, retryable, data };
  checkTaskData(kept, path);
  return kept;
}

function checkObject<T extends object>(value: T, path: string): T {
  const given: unknown = value;
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw invalid(path, 'must be an object');
  return value;
}
