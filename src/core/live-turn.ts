import type { WireError } from './error.ts';
import type { JsonValue } from './json.ts';
import type { ToolOutcome } from './tool-call.ts';
import type { TurnWait } from './turn-wait.ts';

/** A tool call of the running step; `outcome` is absent while it runs, `progress` while it says nothing. */
export interface LiveToolCall {
  readonly callId: string;
  readonly tool: string;
  readonly args: JsonValue;
  readonly progress?: JsonValue;
  readonly outcome?: ToolOutcome;
}

/** What a running turn shows that is not history yet. */
export interface LiveTurn {
  readonly turnId: string;
  readonly step: number;
  readonly correlationId: string | null;
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly LiveToolCall[];
  /** Set while the turn waits before it makes a model call again. */
  readonly retry: { readonly attempt: number; readonly waitMs: number; readonly error: WireError } | null;
  /** What it, or a child session of its, waits for that somebody has to bring (law TU11). */
  readonly waits: readonly TurnWait[];
  /** What the runtime warned of, here or in child sessions, oldest first, each once. */
  readonly warnings: readonly string[];
  /** Whoever ran it is gone: text is what was shown so far, until somebody goes on and withdraws it (law TU8). */
  readonly interrupted: boolean;
}
