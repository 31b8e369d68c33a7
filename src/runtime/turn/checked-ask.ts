import type { TurnAsk } from './queued-input.ts';

/** A request for a turn that was checked. `hash` tells equal ones from others. */
export interface CheckedAsk {
  readonly ask: TurnAsk;
  readonly hash: string;
}
