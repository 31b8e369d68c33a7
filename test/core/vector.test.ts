import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { Vector } from '../../src/core/vector.ts';

/** How many items `work` copies from old blocks into new ones. */
function copiedBy(work: () => unknown): number {
  const slice = vi.spyOn(Array.prototype, 'slice');
  work();
  const copied = slice.mock.results.reduce((sum, { value }) => sum + (value as unknown[]).length, 0);
  expect(slice).toHaveBeenCalled();
  return copied;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

afterEach(() => vi.restoreAllMocks());

const numbers = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, index) => from + index);

describe('a vector', () => {
  const commands = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 0, max: 1100 }) }),
      fc.record({ kind: fc.constant('take' as const), count: fc.integer({ min: -1, max: 3000 }) }),
      fc.record({ kind: fc.constant('drop' as const), count: fc.integer({ min: -1, max: 1500 }) }),
    ),
    { maxLength: 8 },
  );

  it('is what an array would be after any appends and cuts, and every earlier version stays what it was', () => {
    fc.assert(
      fc.property(commands, fc.nat(3000), fc.nat(3000), (program, from, to) => {
        let vector = Vector.of<number>([]);
        let model: readonly number[] = [];
        const versions: [Vector<number>, readonly number[]][] = [];
        let next = 0;
        for (const { kind, count } of program) {
          if (kind === 'append') {
            vector = vector.append(numbers(count, next));
            model = model.concat(numbers(count, next));
            next += count;
          } else if (kind === 'take') {
            vector = vector.take(count);
            model = model.slice(0, Math.max(0, count));
          } else {
            vector = vector.drop(count);
            model = model.slice(Math.max(0, count));
          }
          versions.push([vector, model]);
        }
        for (const [version, items] of versions) {
          expect(version).toHaveLength(items.length);
          expect([...version]).toEqual(items);
          expect(version.slice(from, to)).toEqual(items.slice(from, to));
          for (const index of [-1, 0, from, items.length - 1, items.length]) {
            expect(version.get(index)).toBe(items[index]);
          }
        }
      }),
      { seed: 20_240_601, numRuns: 150 },
    );
  });

  it('keeps its identity where nothing changes', () => {
    const vector = Vector.of(numbers(40));
    expect(vector.append([])).toBe(vector);
    expect(vector.take(40)).toBe(vector);
    expect(vector.take(41)).toBe(vector);
    expect(vector.drop(0)).toBe(vector);
  });

  it.each([31, 32, 33, 1023, 1024, 1025, 32_768, 50_000])(
    '[RE] an append to %i items copies at most a few blocks',
    (count) => {
      const vector = Vector.of(numbers(count));
      expect(copiedBy(() => vector.append([-1]))).toBeLessThanOrEqual(4 * 32);
    },
  );

  it('[RE] a cut of 50,000 items copies at most a few blocks', () => {
    const vector = Vector.of(numbers(50_000));
    expect(copiedBy(() => vector.take(33_333))).toBeLessThanOrEqual(4 * 32);
    expect(copiedBy(() => vector.drop(33_333))).toBeLessThanOrEqual(4 * 32);
  });

  it('[RE2] a cut does not hold what lies beyond it', async () => {
    let whole: Vector<{ readonly index: number }> | undefined = Vector.of(
      numbers(5000).map((index) => ({ index })),
    );
    const [before, first, held, behind] = [499, 500, 1029, 1030].map(
      (index) => new WeakRef(whole?.get(index) ?? {}),
    );
    const cut = whole.take(1030).drop(500);
    whole = undefined;
    // A WeakRef holds its target to the end of the task that made it.
    await new Promise((resolve) => setTimeout(resolve));
    collectGarbage();
    expect(first?.deref()).toEqual({ index: 500 });
    expect(held?.deref()).toEqual({ index: 1029 });
    expect(before?.deref()).toBeUndefined();
    expect(behind?.deref()).toBeUndefined();
    expect(cut).toHaveLength(530);
  });
});
