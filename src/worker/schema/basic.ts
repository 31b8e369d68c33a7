import * as z from 'zod/mini';

import { MAX_ID_BYTES } from '../../core/id.ts';
import { findNonJson, utf8Length, type JsonObject, type JsonValue } from '../../core/json.ts';

/** A schema whose checked values are of type `T`. */
export type Schema<T> = z.ZodMiniType<T>;

/**
 * `schema` as one for `T`. Its own type is wider in one respect: an optional key may also be there and `undefined`, which
 * the types of the package do not say and its code does not mind.
 */
export function schemaFor<T>(schema: z.core.$ZodType): Schema<T> {
  return schema as Schema<T>;
}

/** Any JSON value. */
export const json: Schema<JsonValue> = z.custom<JsonValue>(
  (value) => value !== undefined && findNonJson(value) === undefined,
  'must be JSON data',
);

/** A JSON object. */
export const jsonObject: Schema<JsonObject> = z.custom<JsonObject>(
  (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && findNonJson(value) === undefined,
  'must be a JSON object',
);

/** A whole number, at least 1. */
export const count: Schema<number> = z.custom<number>(
  (value) => isWhole(value, 1),
  'must be a whole number from 1 on',
);

/** A whole number, at least 0. */
export const natural: Schema<number> = z.custom<number>(
  (value) => isWhole(value, 0),
  'must be a whole number from 0 on',
);

/** A string that is not empty. */
export const filled: Schema<string> = text((value) => value !== '', 'must be a string that is not empty');

/** A session's title. */
export const title: Schema<string> = text(
  (value) => value.length <= 500,
  'must be a string of at most 500 characters',
);

/** What can name a session, a turn or an operation. */
export const id: Schema<string> = text(
  (value) => value !== '' && utf8Length(value) <= MAX_ID_BYTES,
  `must be a string of 1 to ${MAX_ID_BYTES} bytes of UTF-8`,
);

/** The id of an attachment. */
export const attachmentId: Schema<string> = text(
  (value) => /^[0-9a-f]{64}$/.test(value),
  'must be the id of an attachment',
);

/** A list with at least one item. */
export function filledList<T>(item: Schema<T>): Schema<T[]> {
  return z.array(item).check(z.refine((items) => items.length > 0, 'must hold at least one item'));
}

function text(test: (value: string) => boolean, message: string): Schema<string> {
  return z.custom<string>((value) => typeof value === 'string' && test(value), message);
}

function isWhole(value: unknown, least: number): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least;
}
