import { isLashError, type LashError, type LashErrorCode } from '../core/error.ts';
import { canonicalJson, type JsonValue } from '../core/json.ts';

/** @throws `Error` unless `condition` holds */
export function ok(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** @throws `Error` unless both are the same JSON data; a key whose value is `undefined` counts as absent */
export function equal(actual: unknown, expected: unknown, message = 'not equal'): void {
  const got = show(actual);
  const wanted = show(expected);
  if (got !== wanted) throw new Error(`${message}\n  got:      ${got}\n  expected: ${wanted}`);
}

/** The error with which `promise` rejects. @throws `Error` unless it is one of this package, of this code and data */
export async function rejects<Code extends LashErrorCode>(
  promise: Promise<unknown>,
  code: Code,
  data?: LashError<Code>['data'],
): Promise<LashError<Code>> {
  const settled = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!('error' in settled)) throw new Error(`expected ${code}, and it resolved with ${show(settled.value)}`);
  const { error } = settled;
  if (!isLashError(error, code))
    throw new Error(`expected ${code}, and got ${String(error)}`, { cause: error });
  if (data !== undefined) equal(error.data, data, `the data of ${code}`);
  return error;
}

function show(value: unknown): string {
  return value === undefined ? 'undefined' : canonicalJson(value as JsonValue);
}
