import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  addToLedger,
  addUsage,
  NO_USAGE,
  type TokenUsage,
  totalUsage,
  type UsageEntry,
} from '../../src/core/usage.ts';

const tokens = (count: number): TokenUsage => ({
  inputTokens: count,
  outputTokens: 2 * count,
  cachedInputTokens: 3 * count,
  reasoningTokens: 4 * count,
});
const entry = (source: string, model: string, count: number): UsageEntry => ({
  source,
  model,
  usage: tokens(count),
});

describe('usage', () => {
  it('adds every field, and is the same object where there is nothing to add', () => {
    const usage = tokens(1);
    expect(addUsage(usage, tokens(2))).toEqual(tokens(3));
    expect(addUsage(usage, NO_USAGE)).toBe(usage);
    expect(addUsage(usage, { ...NO_USAGE, cachedInputTokens: 1 }).cachedInputTokens).toBe(4);
  });

  it('a ledger has one row per source and model, in the order of first use', () => {
    const ledger = addToLedger([entry('turn', 'a', 1)], [entry('turn', 'b', 2), entry('child', 'a', 3)]);
    expect(addToLedger(ledger, [entry('turn', 'b', 5)])).toEqual([
      entry('turn', 'a', 1),
      entry('turn', 'b', 7),
      entry('child', 'a', 3),
    ]);
    expect(addToLedger(ledger, [entry('turn', 'c', 0)])).toBe(ledger);
  });

  it('[TU9] a ledger adds up to what was put in, however it was put in', () => {
    const entries = fc.array(
      fc
        .tuple(fc.constantFrom('turn', 'child'), fc.constantFrom('a', 'b'), fc.nat(1000))
        .map((args) => entry(...args)),
    );
    fc.assert(
      fc.property(fc.array(entries), (batches) => {
        const sum = batches.flat().reduce((count, { usage }) => count + usage.inputTokens, 0);
        expect(totalUsage(batches.reduce<readonly UsageEntry[]>(addToLedger, []))).toEqual(tokens(sum));
      }),
      { seed: 20_240_601 },
    );
  });
});
