import type { Spread } from './measure.ts';

/** One line of the table. `holds` is absent where a figure is told without a target. */
export interface Figure {
  readonly figure: string;
  readonly measured: string;
  readonly target: string;
  readonly peer: string;
  readonly holds?: boolean;
}

/** Every line of a table begins like this, so that the lines of all runs can be gathered. */
export const LINE_START = '| ';

const HEADER: Figure = { figure: 'figure', measured: 'measured', target: 'target', peer: 'peer' };

/** A table as text, a line for each figure. */
export function tableOf(figures: readonly Figure[]): string {
  const lines = [HEADER, ...figures].map(({ figure, measured, target, peer, holds }) => {
    const verdict = holds === undefined ? '' : holds ? ', holds' : ', MISSES';
    return `${LINE_START}${[figure, measured, `${target}${verdict}`, peer].join(' | ')} |`;
  });
  return ['', ...lines, ''].join('\n');
}

/** A count of bytes, in the unit that it is read in. */
export function bytesText(bytes: number): string {
  if (Math.abs(bytes) < 1024) return `${bytes.toFixed(0)} B`;
  return Math.abs(bytes) < 1024 * 1024
    ? `${(bytes / 1024).toFixed(1)} KiB`
    : `${(bytes / 1024 / 1024).toFixed(2)} MiB`;
}

/** A median with the quartiles around it. */
export function spreadText({ median, low, high }: Spread, unit = 'x', digits = 2): string {
  return `${median.toFixed(digits)} ${unit} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}

/** A ratio against the clock: told, and never a reason to fail. */
export function ratioFigure(figure: string, ratio: Spread, target: number, peer: string): Figure {
  const holds = ratio.median <= target;
  return { figure, measured: spreadText(ratio), target: `≤ ${target} x`, peer, holds };
}
