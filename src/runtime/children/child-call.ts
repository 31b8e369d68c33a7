import type { ChildSessions } from '../../contract/child-sessions.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import type { UsageEntry } from '../../core/usage.ts';

/** What within a turn asks for child sessions: a model call with its hooks, a tool call, the end of the turn. */
export interface ChildCall {
  readonly turnId: string;
  /** The same again when it is performed again, after a crash too. */
  readonly effect: string;
  /** The tool call that asks, where it is one. */
  readonly callId?: string;
  /** Where the turn is. */
  readonly leaf: string | null;
  readonly policy: SessionPolicy;
  /** Aborts with `Cancelled` when it is stopped, and with anything else when somebody else goes on with it. */
  readonly signal: AbortSignal;
}

/** What came of a call's children. */
export interface ChildReport {
  /** What they used, by source and model; absent where that is nothing. */
  readonly spent?: readonly UsageEntry[];
  /** The session that the call passed the conversation on to. */
  readonly successor?: string;
}

/** The child sessions of one call. */
export interface CallChildren {
  readonly sessions: ChildSessions;
  /** Stops and closes what is open of them, and resolves with what came of them all. */
  end(): Promise<ChildReport>;
}

/** The child sessions of one session. */
export interface SessionChildren {
  of(call: ChildCall): CallChildren;
}
