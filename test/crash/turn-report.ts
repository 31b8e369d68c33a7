import type { Boundary } from './gate.ts';
import type { Place, ScriptTool } from './turn-script.ts';

/** Where a worker is held in the script: at a boundary of a transaction, or at a place. */
export type TurnStop = Boundary | { readonly place: Place };

/** What is stored of a tool call: nothing, that it was started, or how it ended. */
export type CallRecord = 'not started' | 'started' | 'ended';

/** What lies in a database of the turn. */
export interface StoredStage {
  /** In one line: how the turn stands, and how many rows of each kind it has. */
  readonly shape: string;
  readonly isAccepted: boolean;
  /** How many of the model's answers are stored. */
  readonly answers: number;
  readonly calls: Readonly<Record<ScriptTool, CallRecord>>;
}

/** The script as it is played if nobody is killed. */
export interface TurnRecording {
  /** The stores of each writing transaction, in order. */
  readonly seams: readonly string[];
  /** The transactions that undid themselves. */
  readonly failed: readonly number[];
  /** What was stored before, and after each of them. */
  readonly shapes: readonly string[];
  readonly end: TurnEndReport;
}

/** How far a worker came. */
export interface TurnProgress {
  /** Whether it is held where it is to be killed; else it is done. */
  readonly isHeld: boolean;
  /** Whether the page was told that the input is accepted. */
  readonly isAccepted: boolean;
}

/** How the turn ended, in the worker that was there at last. */
export interface TurnEndReport {
  readonly outcomes: Readonly<Record<ScriptTool, string>>;
  readonly violations: readonly string[];
}

/** What the next worker found and did. `end` is `null` if it was held too. */
export interface TurnRecovery {
  readonly found: StoredStage;
  readonly violations: readonly string[];
  readonly progress: TurnProgress;
  readonly end: TurnEndReport | null;
}
