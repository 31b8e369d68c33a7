/** What one contestant took, and how the first one compares with it in the same round. */
export interface Compared {
  /** The median of its times, in milliseconds. */
  readonly ms: number;
  /** The first contestant's time divided by its own: the median of the rounds, and the quartiles around it. */
  readonly ratio: Spread;
}

/** A median and the quartiles around it. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Something to be timed. What `settle` does behind it is not. */
export interface Contestant {
  run(): Promise<unknown>;
  settle?(): Promise<unknown>;
}

/** What is short is timed by so many, since a worker's clock is coarse and the first one after a pause is slow. */
export const IN_A_ROW = 5;

/** {@link IN_A_ROW} runs of `action` as one; `settle` comes behind them. */
export function inARow(
  action: () => Promise<unknown>,
  settle: () => Promise<unknown> = async () => await Promise.resolve(),
): Contestant {
  return {
    run: async () => {
      for (let index = 0; index < IN_A_ROW; index++) await action();
    },
    settle,
  };
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/** Runs all in turn, round after round, each time with another one first. */
export async function compare(
  rounds: number,
  contestants: readonly Contestant[],
): Promise<readonly Compared[]> {
  const times = contestants.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const index = (round + turn) % contestants.length;
      const contestant = contestants[index];
      if (contestant !== undefined) times[index]?.push(await timed(contestant));
    }
  }
  const [first = []] = times;
  return times.map((own) => ({
    ms: spread(own).median,
    ratio: spread(own.map((time, round) => (first[round] ?? Number.NaN) / time)),
  }));
}

/** One of the contestants; the first one without `index`. */
export function first(compared: readonly Compared[], index = 0): Compared {
  const found = compared[index];
  if (found === undefined) throw new Error('nothing was compared');
  return found;
}

async function timed(contestant: Contestant): Promise<number> {
  const start = performance.now();
  await contestant.run();
  const end = performance.now();
  await contestant.settle?.();
  return end - start;
}

/** How much `values` grow from one of `positions` to the next whole number: the slope of the least squares. */
export function slope(positions: readonly number[], values: readonly number[]): number {
  const mean = (of: readonly number[]): number => of.reduce((sum, value) => sum + value, 0) / of.length;
  const middle = mean(positions);
  const level = mean(values);
  let above = 0;
  let below = 0;
  for (const [index, position] of positions.entries()) {
    above += (position - middle) * ((values[index] ?? Number.NaN) - level);
    below += (position - middle) ** 2;
  }
  return above / below;
}
