import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  canonicalJson,
  findNonJson,
  type JsonValue,
  MAX_JSON_DEPTH,
  utf8Length,
} from '../../src/core/json.ts';

const nested = (depth: number): unknown => {
  let value: unknown = 'deep';
  for (let index = 0; index < depth; index++) value = index % 2 === 0 ? [value] : { a: value };
  return value;
};
const cycle: Record<string, unknown> = {};
cycle['self'] = { again: cycle };

describe('what is data', () => {
  it('any JSON is, whatever its keys', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), (text) => {
        expect(findNonJson(JSON.parse(text))).toBeUndefined();
      }),
      { seed: 20_240_601 },
    );
    expect(findNonJson(JSON.parse('{"__proto__":{"constructor":1}}'))).toBeUndefined();
    expect(findNonJson(Object.assign(Object.create(null) as object, { a: 1 }))).toBeUndefined();
    expect(findNonJson({ absent: undefined })).toBeUndefined();
  });

  const refused: [string, unknown, string][] = [
    ['a function', { parts: [{ text: () => 1 }] }, '$.parts[0].text'],
    ['a method', { toJSON: () => 1 }, '$.toJSON'],
    ['a symbol', [Symbol('x')], '$[0]'],
    ['a bigint', { n: 1n }, '$.n'],
    ['NaN', [1, Number.NaN], '$[1]'],
    ['Infinity', { n: Number.POSITIVE_INFINITY }, '$.n'],
    ['a Date', { at: new Date(0) }, '$.at'],
    ['a Map', new Map(), '$'],
    ['bytes', { data: new Uint8Array(1) }, '$.data'],
    ['an instance', { x: new URL('about:blank') }, '$.x'],
    ['nothing', undefined, '$'],
    ['a hole', Array.from({ length: 2 }, () => 1).concat(Array(1) as number[]), '$[2]'],
    ['undefined in a list', [undefined], '$[0]'],
    [
      'a function behind __proto__',
      JSON.parse('{"__proto__":{"a":1}}', (key, value: unknown) => (key === 'a' ? (): number => 1 : value)),
      '$.__proto__.a',
    ],
  ];
  it.each(refused)('%s is not, and the path says where', (_, value, path) => {
    expect(findNonJson(value)).toBe(path);
  });

  it('a cycle is not, and finding out ends', () => {
    expect(findNonJson(cycle)).toMatch(/^\$(?:\.self\.again)+/u);
  });

  it('nesting is, up to the limit', () => {
    expect(findNonJson(nested(MAX_JSON_DEPTH))).toBeUndefined();
    expect(findNonJson(nested(MAX_JSON_DEPTH + 1))).toMatch(/^\$/u);
  });
});

describe('canonical JSON', () => {
  it('[ST4] reads back as the same value, and is the same text for any order of keys', () => {
    const shuffled = (value: JsonValue): JsonValue => {
      if (Array.isArray(value)) return value.map(shuffled);
      if (value === null || typeof value !== 'object') return value;
      return Object.fromEntries(
        Object.entries(value as object)
          .toReversed()
          .map(([key, item]) => [key, shuffled(item as JsonValue)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (any) => {
        const value = JSON.parse(JSON.stringify(any)) as JsonValue;
        expect(JSON.parse(canonicalJson(value))).toEqual(value);
        expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value));
        expect(canonicalJson(value)).toHaveLength(JSON.stringify(value).length);
      }),
      { seed: 20_240_601 },
    );
  });

  it('leaves out keys without a value and keeps __proto__ as the key that it is', () => {
    expect(canonicalJson({ b: 1, a: undefined, '10': 2, '9': 3 })).toBe('{"10":2,"9":3,"b":1}');
    expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":1}}') as JsonValue)).toBe(
      '{"__proto__":{"a":1},"b":1}',
    );
  });
});

describe('the length of a text in UTF-8', () => {
  it('is what an encoder makes of it, also of unpaired surrogates', () => {
    const units = fc.array(
      fc.constantFrom('a', 'ß', '€', '😀', '\ud83d', '\ude00', '\u0000', '\u07ff', '\u0800'),
    );
    fc.assert(
      fc.property(units, (parts) => {
        const text = parts.join('');
        expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
      }),
      { seed: 20_240_601, numRuns: 500 },
    );
  });
});
