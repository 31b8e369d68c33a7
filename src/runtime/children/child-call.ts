import type { ChildSessions } from '../../contract/child-sessions.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import type { UsageEntry } from '../../core/usage.ts';
import type { PatientStorage } from '../turn/patient-storage.ts';

/** What within a turn asks for child sessions: a model call with its hooks, a tool call, the end of the turn. */
export interface ChildCall {
  readonly turnId: string;
  /** The same again when it is performed again, after a crash too. */
  readonly effect: string;
  /** The tool call that asks, where it is one. */
  readonly callId?: string;
  /** Whether it was performed before, by whoever is gone: there may be children of that. */
  readonly isAgain: boolean;
  /** Whether it may pass the conversation on: the tool call itself, and what hooks make of its outcome. */
  readonly mayHandOff: boolean;
  /** Where the turn is. */
  readonly leaf: string | null;
  readonly policy: SessionPolicy;
  /** Aborts with `Cancelled` when it is stopped, and with anything else when somebody else goes on with it. */
  readonly signal: AbortSignal;
  /** Waits for storage as its turn does. */
  readonly storage: PatientStorage;
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
  /**
   * Stops and closes what is open of them, and what an earlier performance of the call left running, and resolves with what
   * came of them all. It never rejects.
   */
  end(): Promise<ChildReport>;
}

/** The child sessions of one session. */
export interface SessionChildren {
  of(call: ChildCall): CallChildren;
  /**
   * The end of a turn is stored: of the sessions that its calls passed the conversation on to, all but this one are deleted
   * again that nobody went on with.
   */
  settle(ended: EndedTurn): Promise<void>;
  /** Tells those that are open that something was brought which turns may wait for. */
  resumeTurns(): void;
  /** Resolves when none is open any more. */
  closed(): Promise<void>;
}

/** A turn whose end is stored. */
export interface EndedTurn {
  readonly turnId: string;
  /** The session that goes on in its place. */
  readonly successor: string | undefined;
  /** Whether somebody else may have run it before. */
  readonly isAgain: boolean;
}
