import type { BranchPoint } from './branch-point.ts';
import type { WireError } from './error.ts';
import type { JsonValue } from './json.ts';
import type { LiveTurn } from './live-turn.ts';
import type { SessionNode } from './node.ts';
import type { PendingTurn } from './pending-turn.ts';
import type { BackgroundTaskRecord } from './task.ts';
import type { ToolOutcome } from './tool-call.ts';
import type { TurnResult } from './turn-result.ts';
import type { TurnWait } from './turn-wait.ts';
import type { TokenUsage } from './usage.ts';

/**
 * What happens within a turn, as it happens. `correlationId` names one attempt at one model call: when the attempt
 * fails and is made again, `attempt-withdrawn` takes back all deltas of that id (law TU7). A turn ends with exactly one
 * `turn-finished` (law TU6). Deltas are never part of history; `nodes-committed` is.
 */
export type TurnActivity =
  | { readonly type: 'turn-started'; readonly turnId: string }
  | { readonly type: 'input-accepted'; readonly turnId: string; readonly leaf: string | null }
  | {
      readonly type: 'step-started';
      readonly turnId: string;
      /** Model calls are counted from 0 within a turn, attempts from 1 within a call. */
      readonly step: number;
      readonly attempt: number;
      readonly correlationId: string;
    }
  | {
      readonly type: 'text-delta';
      readonly turnId: string;
      readonly correlationId: string;
      readonly text: string;
    }
  | {
      readonly type: 'reasoning-delta';
      readonly turnId: string;
      readonly correlationId: string;
      readonly text: string;
    }
  | { readonly type: 'attempt-withdrawn'; readonly turnId: string; readonly correlationId: string }
  | {
      readonly type: 'retry-scheduled';
      readonly turnId: string;
      /** The attempt that will be made, and how many there may be. */
      readonly attempt: number;
      readonly maxAttempts: number;
      readonly waitMs: number;
      readonly error: WireError;
    }
  | {
      readonly type: 'tool-started';
      readonly turnId: string;
      readonly callId: string;
      readonly tool: string;
      readonly args: JsonValue;
    }
  /** How far a running call says that it is; the newest counts. */
  | {
      readonly type: 'tool-progress';
      readonly turnId: string;
      readonly callId: string;
      readonly progress: JsonValue;
    }
  | {
      readonly type: 'tool-completed';
      readonly turnId: string;
      readonly callId: string;
      readonly tool: string;
      readonly outcome: ToolOutcome;
      readonly durationMs: number;
    }
  | {
      readonly type: 'usage-counted';
      readonly turnId: string;
      readonly step: number;
      readonly usage: TokenUsage;
      readonly cumulative: TokenUsage;
    }
  /** All that the turn waits for now, or a child session of its; nothing, once that goes on (law TU11). */
  | {
      readonly type: 'turn-waiting';
      readonly turnId: string;
      readonly childSessionId?: string;
      readonly waits: readonly TurnWait[];
    }
  | { readonly type: 'warning'; readonly turnId: string; readonly message: string }
  | { readonly type: 'turn-finished'; readonly turnId: string; readonly result: TurnResult };

/** The head of a session: what the last commit made of it. `usage` counts every branch; `bytes` is stored size. */
export interface SessionHead {
  readonly revision: number;
  readonly leaf: string | null;
  readonly usage: TokenUsage;
  /** How many nodes the active path has. */
  readonly depth: number;
  /** Live nodes, every branch counted. */
  readonly nodeCount: number;
  readonly bytes: number;
}

/** Consecutive nodes of a path. `start` counts the nodes that lie before the first one. */
export interface PathWindow {
  readonly start: number;
  readonly nodes: readonly SessionNode[];
}

/**
 * Who may write a session now. `blocked`: this tab takes it over, and another page keeps the database from being used;
 * what is wanted goes on by itself once it lets go.
 */
export type SessionWriter = 'here' | 'elsewhere' | 'nobody' | 'blocked';

/** What plugins show of their states, by the ids of those that do. */
export type PluginsShown = Readonly<Record<string, JsonValue>>;

/** What changes in a session: committed facts, and the activity of its running turn. */
export type SessionEvent =
  | TurnActivity
  /** Nodes were appended to the leaf; the first one's parent is the old leaf. */
  | { readonly type: 'nodes-committed'; readonly head: SessionHead; readonly nodes: readonly SessionNode[] }
  /** The head changed without new nodes on the path, such as usage alone. */
  | { readonly type: 'head-changed'; readonly head: SessionHead }
  /**
   * The active path is another one: a branch, an edit, a regeneration. `kept` is how many nodes from the root on it is known
   * to share with the one before; the window is the newest part of it, with its branch points.
   */
  | {
      readonly type: 'path-changed';
      readonly head: SessionHead;
      readonly kept: number;
      readonly window: PathWindow;
      readonly branches: readonly BranchPoint[];
    }
  /**
   * Siblings of nodes on the path came or went: from depth `start` on, these are its branch points. What lies further up was
   * not looked at.
   */
  | {
      readonly type: 'branches-changed';
      readonly start: number;
      readonly branches: readonly BranchPoint[];
    }
  | { readonly type: 'title-changed'; readonly title: string }
  /** What a turn that runs in another tab shows so far; its further activity follows. */
  | { readonly type: 'turn-joined'; readonly turn: LiveTurn }
  /** The inputs that wait for their turn, in their order. */
  | { readonly type: 'queue-changed'; readonly queue: readonly PendingTurn[] }
  | { readonly type: 'writer-changed'; readonly writer: SessionWriter }
  /** What plugins show, by their ids: all of it. */
  | { readonly type: 'plugins-changed'; readonly plugins: PluginsShown }
  /** A background task began, changed or ended. With another `sessionId` it is a task of that session now. */
  | { readonly type: 'task-changed'; readonly task: BackgroundTaskRecord }
  /** The session was deleted, here or in another tab; every further call says so. */
  | { readonly type: 'session-deleted' };
