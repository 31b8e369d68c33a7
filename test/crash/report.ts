import type { Acknowledged } from './player.ts';

/** A script as it runs if nobody is killed. */
export interface Recording {
  /** The state after each writing transaction. */
  readonly states: readonly (readonly string[])[];
  /** The step that each writing transaction belongs to. */
  readonly stepOf: readonly number[];
  /** The writing transactions that undid themselves. */
  readonly failed: readonly number[];
  readonly told: readonly Acknowledged[];
  readonly end: readonly string[];
  readonly violations: readonly string[];
}

/** How far a worker came. */
export interface Progress {
  /** Whether it is held at its boundary; else it is done. */
  readonly killed: boolean;
  /** How many steps were acknowledged; the next one may have been begun. */
  readonly begun: number;
  /** The receipts of what was acknowledged by this worker. */
  readonly told: readonly Acknowledged[];
}

/** What the next worker found and did. */
export interface Recovery {
  /** The state as it was found. */
  readonly lines: readonly string[];
  readonly violations: readonly string[];
  readonly progress: Progress;
  /** The state at the end; empty if it was killed too. */
  readonly end: readonly string[];
}
