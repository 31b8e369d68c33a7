import { checkQueued, type KeptTurn, type QueuedTurn, RUNNING_PLACE, turnConflict } from './kept-turn.ts';
import type { PlannedInput } from './turn-plan.ts';

/**
 * What is kept of an input that is accepted: what is there already, if it is the same (rule RC1), else a new one behind
 * `last`, the place of the last that has not ended.
 *
 * @throws `OperationConflict`
 */
export function acceptInput(found: KeptTurn | undefined, input: PlannedInput, last: number): KeptTurn {
  if (found !== undefined) {
    checkHash(found, input.hash);
    return found;
  }
  return { ...input, status: 'queued', place: Math.floor(last) + 1 };
}

/** @throws `OperationConflict` if a turn was accepted with another request */
export function checkHash({ turnId, hash }: KeptTurn, given: string): void {
  if (hash !== given) throw turnConflict(turnId, 'was accepted with another request');
}

/**
 * The queued inputs that change when `turnId` goes before another one, or behind all (`null`): itself, unless it is
 * there; and all of them once, where places have run out between two neighbours. `queue` is what is queued, in order;
 * `find` is asked for what is not in it.
 *
 * @throws `InputNotQueued`
 */
export function moveInput(
  queue: readonly QueuedTurn[],
  turnId: string,
  before: string | null,
  find: (turnId: string) => KeptTurn | undefined,
): readonly QueuedTurn[] {
  const queued = (id: string): QueuedTurn =>
    checkQueued(id, queue.find((turn) => turn.turnId === id) ?? find(id));
  const moved = queued(turnId);
  const next = before === null ? undefined : queued(before);
  if (next === moved) return [];
  const others = queue.filter((turn) => turn !== moved);
  const to = next === undefined ? others.length : others.indexOf(next);
  if (queue[to] === moved) return [];
  const place = placeBetween(others[to - 1]?.place ?? RUNNING_PLACE, next?.place);
  if (place !== undefined) return [{ ...moved, place }];
  return others.toSpliced(to, 0, moved).map((turn, index) => ({ ...turn, place: index + 1 }));
}

/** A place between two others, or behind one; `undefined` if numbers have none. */
function placeBetween(low: number, high = Math.floor(low) + 2): number | undefined {
  const place = low + (high - low) / 2;
  return low < place && place < high ? place : undefined;
}
