import type { AttachmentRef } from '../core/attachment.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { ToolResult } from '../core/tool-result.ts';
import type { ToolSpec } from '../core/tool-spec.ts';
import type { AttachmentStore } from './attachments.ts';
import type { ChildSessions } from './child-sessions.ts';
import type { SessionTasks } from './task.ts';

/** What a running tool is given besides its arguments. */
export interface ToolContext {
  readonly sessionId: string;
  readonly turnId: string;
  readonly callId: string;
  /** Aborts when the turn is stopped. */
  readonly signal: AbortSignal;
  /** Attachments in the messages that the model was shown when it made this call, oldest first. */
  readonly attachments: readonly AttachmentRef[];
  readonly attachmentStore: Pick<AttachmentStore, 'get' | 'put'>;
  /** The session's background tasks; `null` where the environment has no host for them. */
  readonly tasks: SessionTasks | null;
  /** Child sessions of the session. What is opened is closed when the call is over. */
  readonly sessions: ChildSessions;
  /** Shows how far the call is, as the running call's `progress`: JSON data in place of what was shown before. It is not stored. */
  readonly progress: (data: JsonValue) => void;
}

/** What a tool may return: JSON data, with attachments or without. */
export type ToolReturn = JsonValue | ToolResult;

/** The result of checking arguments: what the tool is called with, or what the model is told. */
export type ArgumentCheck =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly path: string; readonly reason: string };

/**
 * A tool that a model can call.
 *
 * - TL1 `check` is called before each `execute`, and `execute` only with what `check` returned (law TU9).
 * - TL2 What `execute` resolves with must be JSON data; a rejection is a failure that the model sees.
 * - TL3 Calls of one step run at the same time; those of a `serial` tool behind the others, one after the other.
 * - TL4 Where `approval` says so, a call runs only once it was approved; the question and its answer are stored.
 * - TL5 A call that was started and whose outcome nobody knows runs again with `replay: 'safe'`, and never again without:
 *   the model is told that its outcome is unknown (law TU3).
 * - TL6 A call that takes longer than `timeoutMs` is aborted, and a failure that the model sees. `check` and `approval` have
 *   as long; an approval function that does not answer in time asks. A turn that is stopped waits for none of them.
 * - TL7 A model is offered the tools that the session's policy and the turn name, where they name any; a call of another one
 *   is `ToolUnavailable`, or `ToolNotFound`, and never runs.
 * - TL8 A call is for the tool that the model was told of when it made the call. If another description or schema has the
 *   name by then, it is `ToolUnavailable` and never runs.
 * - TL9 What a tool returns is stored before it is recorded: attachments, and a value of which the model reads only the
 *   beginning. One that cannot be stored is a failure that the model sees.
 */
export interface Tool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema, or a function that gets it where making it takes code that is loaded on demand. */
  readonly inputSchema: JsonObject | (() => Promise<JsonObject>);
  /** What may be done about a call whose outcome is unknown. Default: `never`. */
  readonly replay?: 'safe' | 'never';
  /** Default: `parallel`. */
  readonly mode?: 'parallel' | 'serial';
  /** Milliseconds, for `check`, `approval` and `execute` each; no limit where it is absent. */
  readonly timeoutMs?: number;
  /** Whether a call needs somebody's approval. A function that throws, or does not answer in time, asks. */
  readonly approval?: boolean | ((args: unknown) => boolean | Promise<boolean>);
  /** A page offers it: where no page does any more, a call that did not start waits for one. */
  readonly offeredByPage?: boolean;
  check(args: JsonValue): ArgumentCheck | Promise<ArgumentCheck>;
  /** Resolves with JSON data, or with that and attachments: `toolResult`. `toolFailure` makes an error that says more. */
  execute(args: unknown, context: ToolContext): ToolReturn | Promise<ToolReturn>;
}

/** What a model is told of a tool. @throws what getting its schema throws, such as `InvalidInput` */
export async function toolSpec({ name, description, inputSchema }: Tool): Promise<ToolSpec> {
  return {
    name,
    description,
    inputSchema: typeof inputSchema === 'function' ? await inputSchema() : inputSchema,
  };
}
