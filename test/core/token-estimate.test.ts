import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { utf8Length } from '../../src/core/json.ts';
import { estimateTokens, lengthWithin } from '../../src/core/token-estimate.ts';

describe('the estimate of tokens', () => {
  it.each([
    ['', 0],
    ['abcd', 1],
    ['abcde', 2],
    ['会话', 2],
    ['セッション', 5],
    ['세션', 2],
    ['сессия', 4],
    ['🙂', 2],
  ])('[TU2] takes %j for %i', (text, tokens) => {
    expect(estimateTokens(text)).toBe(tokens);
  });

  it('[TU2] takes three bytes for one token at most, and four characters for one at least', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(estimateTokens(text)).toBeLessThanOrEqual(Math.ceil(utf8Length(text) / 3));
        expect(estimateTokens(text)).toBeGreaterThanOrEqual(text.length / 4);
      }),
      { seed: 20_261_127 },
    );
  });

  it('[TU2] cuts a text of one script to what it may take', () => {
    const texts = fc
      .tuple(fc.constantFrom('a', 'é', '会'), fc.nat(500))
      .map(([unit, length]) => unit.repeat(length));
    fc.assert(
      fc.property(texts, fc.nat(200), (text, tokens) => {
        const cut = text.slice(0, lengthWithin(text, tokens));
        expect(estimateTokens(cut)).toBeLessThanOrEqual(tokens);
        const isWhole = cut === text;
        expect(isWhole || estimateTokens(cut) >= tokens - 1).toBe(true);
      }),
      { seed: 20_261_127 },
    );
  });
});
