import { fromWireError, toWireError, type WireError } from '../core/error.ts';

/**
 * How something ended, as data. Errors travel as values because the structured clone of a thrown one keeps nothing but
 * its name, message and stack (law WB3).
 */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: WireError };

/** The answer to a call. `seen` is the number of the last event that was queued before the call ended. */
export interface Answer<T> {
  readonly outcome: Outcome<T>;
  readonly seen: number;
}

/** How `promise` ends. Never rejects. */
export async function outcomeOf<T>(promise: Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await promise };
  } catch (error) {
    return { ok: false, error: toWireError(error) };
  }
}

/** The value of an outcome. @throws the error that it holds, with code, data and causes as they were thrown. */
export function unwrap<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw fromWireError(outcome.error);
}
