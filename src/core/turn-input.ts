import type { JsonObject } from './json.ts';
import type { UserPart } from './message.ts';
import type { PromptLayerData } from './prompt-layer.ts';

/**
 * What a turn starts from: a user's message (a string is one text part), or `null` to let the model answer what is
 * there: to regenerate an answer, or to go on after a stopped one.
 */
export type TurnInput = string | { readonly parts: readonly UserPart[] } | null;

/** Options of a turn that are plain data. */
export interface TurnRequest {
  /** The node after which the turn goes on: `null` before the first one, absent the session's leaf. */
  readonly from?: string | null;
  /** The caller's name for this input, 1 to 100 bytes; the turn's id. Default: a new one. */
  readonly inputId?: string;
  /**
   * The answer is to be JSON that this schema (JSON Schema, draft 2020-12 or 7) takes; it is the result's `value`. What does
   * not fit is `AnswerInvalid` after one attempt at repair. Without tool calls the model is asked for JSON alone.
   */
  readonly answer?: { readonly schema: JsonObject };
  /** A prompt layer for this turn alone, above the session's. */
  readonly prompt?: PromptLayerData;
  /** Of the tools that the session offers the model, those that this turn does. Absent: all of them. */
  readonly tools?: readonly string[];
  /**
   * What to do while a turn is not over. `reject` (default): `TurnRunning`. `queue`: this is the next turn, behind those
   * that are queued. `inject`: the running turn reads it before its next model call; if it ends first, it is queued.
   */
  readonly whenRunning?: 'reject' | 'queue' | 'inject';
}
