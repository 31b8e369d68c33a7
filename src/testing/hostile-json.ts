import type { JsonObject, JsonValue } from '../core/json.ts';

const LONG = 'long '.repeat(20_000);

/** JSON data that nobody expects: what a model may write as the arguments of a call, or a page as those of an action. */
export const HOSTILE_JSON: readonly JsonValue[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  '',
  ' ',
  'null',
  LONG,
  '\u0000\ud800',
  '../../etc/passwd',
  [],
  [null],
  {},
  { '': null },
  { length: -1 },
  { toString: 1, valueOf: 1 },
  JSON.parse('{"then":"x"}') as JsonValue,
  Array.from({ length: 10_000 }, (_, index) => index),
  Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`key${index}`, index])),
  // As a property of its own, which no object literal can have.
  JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}') as JsonValue,
  nested(60, (inner) => [inner]),
  nested(60, (inner) => ({ inner })),
];

/** {@link HOSTILE_JSON}, also in the place of each property that a JSON schema names. */
export function hostileArguments({ properties }: JsonObject): readonly JsonValue[] {
  const names = isObject(properties) ? Object.keys(properties) : [];
  const one = names.flatMap((name) => HOSTILE_JSON.map((value) => ({ [name]: value })));
  const all = HOSTILE_JSON.map((value) => Object.fromEntries(names.map((name) => [name, value])));
  return [...HOSTILE_JSON, ...one, ...all];
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nested(depth: number, wrap: (inner: JsonValue) => JsonValue): JsonValue {
  let value: JsonValue = 'x';
  for (let level = 0; level < depth; level++) value = wrap(value);
  return value;
}
