import type { Clock } from '../contract/clock.ts';
import type { Providers } from '../contract/provider.ts';
import type { SessionStore } from '../contract/store.ts';
import type { Tool } from '../contract/tool.ts';
import type { SessionPolicy } from '../core/policy.ts';
import type { TurnRequest } from '../core/turn-input.ts';
import type { RateLimits } from './model/rate-limits.ts';
import type { SecretVault } from './secrets.ts';

/** How a session is opened; an unknown id is never an empty session unless a mode says so. */
export type SessionMode = 'create' | 'open' | 'openOrCreate' | 'readOnly';

/** What a session is opened with besides its environment. */
export interface RuntimeOptions {
  /** Default, also when empty: a new id. */
  readonly sessionId?: string;
  /** Default `open`: an unknown id is `SessionNotFound`, never an empty session. */
  readonly mode?: SessionMode;
  /** Needed to create; on open it replaces the stored one. */
  readonly policy?: SessionPolicy;
  readonly title?: string;
  /**
   * What to do about a path that cannot be read whole; default `refuse`. With `showSound`, which needs mode `readOnly`, the
   * path is shown up to its last sound node, and the view says what is wrong (law ST6).
   */
  readonly damaged?: 'refuse' | 'showSound';
  /** A function is asked at every use, so that providers may come and go between model calls. */
  readonly providers?: Providers | (() => Providers);
  /** A function is asked at every use, so that tools may come and go between model calls. */
  readonly tools?: readonly Tool[] | (() => readonly Tool[]);
  readonly secrets?: SecretVault;
  readonly clock?: Clock;
  /**
   * What becomes of a turn that nobody runs, once it can go on: `go-on` (default) by itself, `ask` when `resumeTurns` is
   * called.
   */
  readonly unfinishedTurns?: 'go-on' | 'ask';
  /** What is known of providers' rate limits; sessions that are given the same one share it. */
  readonly rates?: RateLimits;
  /** Whether there is a network; default: what the platform says. */
  readonly online?: () => boolean;
  /** How long the writer's lease is kept after a write, in milliseconds; default: five seconds. */
  readonly lingerMs?: number;
}

/** Options of a turn. */
export interface TurnOptions extends TurnRequest {
  /** Stops the turn when it aborts. */
  readonly signal?: AbortSignal;
}

/** What a parked session is opened with: it is never made anew. */
export type ResumeOptions = Omit<RuntimeOptions, 'sessionId' | 'mode'> & {
  readonly mode?: 'open' | 'readOnly';
};

/** How a session is closed. */
export interface CloseOptions {
  /** What becomes of the turn that runs: it is stopped (default), or left as it is stored, to whoever goes on with it. */
  readonly turn?: 'stop' | 'leave';
  /** `toParent`: nobody is expected to open this child session again, and its background tasks go to its parent (rule BH5). */
  readonly tasks?: 'toParent';
}

/** Looks at a session's store before anything is written to it. */
export type CheckStore = (store: SessionStore) => Promise<void>;
