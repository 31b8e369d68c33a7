import type { JsonObject } from './json.ts';
import type { PromptLayerData } from './prompt-layer.ts';
import type { SessionParent } from './session-parent.ts';

/** Which model a session uses. Plain data without a secret: `credentials` is the name of one. */
export interface ProviderChoice {
  readonly id: string;
  readonly model: string;
  readonly options?: JsonObject;
  readonly credentials?: string;
}

/** What a session is run with; kept in its meta. `maxContextTokens` defaults to what the provider says, else 8,192. */
export interface SessionPolicy {
  readonly provider: ProviderChoice;
  readonly maxContextTokens?: number;
  readonly maxSteps?: number;
  /** Input and output tokens that one turn may use; no limit where it is absent. */
  readonly maxTokens?: number;
  /**
   * How long one turn may run, in milliseconds, in whichever tabs: what one has used is recorded with what the turn does. While
   * nobody runs it, as it waits for somebody or was interrupted, nothing counts. No limit where it is absent.
   */
  readonly maxTurnMs?: number;
  /** What becomes of a model call while there is no network: `fail` (default) is an attempt that failed, `wait` waits. */
  readonly whenOffline?: 'fail' | 'wait';
  readonly prompt?: PromptLayerData;
  /** The names of the tools that the model is offered, out of those that worker and page have. Absent: all of them. */
  readonly tools?: readonly string[];
}

/** A session's descriptive data. Times are Unix milliseconds. */
export interface SessionMeta {
  readonly sessionId: string;
  readonly title: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly policy: SessionPolicy;
  /** Absent: it is nobody's child. */
  readonly parent?: SessionParent;
}

/**
 * A session in a list. `bytes` is the encoded size of what its graph stores, off-path branches included. With `damage`,
 * which says what of it cannot be read, the session can be deleted, and what cannot be read is empty or 0.
 */
export interface SessionSummary {
  readonly sessionId: string;
  readonly title: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly nodeCount: number;
  readonly bytes: number;
  readonly parent?: SessionParent;
  readonly damage?: string;
}

/** Which sessions are listed, and which page of them. `after` is the `next` of the page before. */
export interface SessionQuery {
  readonly after?: string;
  readonly limit?: number;
  /**
   * Absent: all sessions. An id: those that name that session as their parent, whatever the relation. `null`: the ordinary
   * ones, which are not the `child` of another session; a `handoff` goes on in its parent's place and is one of them.
   */
  readonly parent?: string | null;
}

/** A page of a list; `next` goes into the next call's `after`, and is `null` at the end. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}
