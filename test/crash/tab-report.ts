import type { TurnEndReport } from './turn-report.ts';

/** What a tab says when nothing is left to do in its session. */
export interface TabEnd {
  readonly violations: readonly string[];
  readonly leaf: string | null;
  /** Of each input. */
  readonly outcomes: readonly TurnEndReport['outcomes'][];
}
