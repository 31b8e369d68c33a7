import type { LashError } from '../../core/error.ts';
import type { TurnResult } from '../../core/turn-result.ts';
import type { TurnWait } from '../../core/turn-wait.ts';

/**
 * How a run ended. `finished`: the turn did. `suspended`: it waits, and nobody runs it (law TU11). `left`: it is as it was
 * stored last, and whoever holds the lease goes on with it.
 */
export type RunEnd =
  | { readonly kind: 'finished'; readonly result: TurnResult }
  | { readonly kind: 'suspended'; readonly waits: readonly TurnWait[] }
  | { readonly kind: 'left'; readonly error: LashError };
