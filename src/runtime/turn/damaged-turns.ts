import { isLashError, type LashError, toWireError } from '../../core/error.ts';
import type { LiveTurn } from '../../core/live-turn.ts';
import type { TurnResult } from '../../core/turn-result.ts';
import { NO_USAGE } from '../../core/usage.ts';
import type { SessionParts } from '../model/model-caller.ts';

type Parts = Pick<SessionParts, 'turns' | 'history' | 'feed' | 'secrets'>;

/**
 * Turns that have begun and whose record, or whose plugins' state, cannot be read. Nobody can go on with one, and none is ended before somebody says so:
 * it is shown with what is wrong until it is told to stop.
 */
export class DamagedTurns {
  readonly #parts: Parts;
  readonly #found = new Set<string>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Shows the turn, if that is what `error` is about. @throws `error` if not */
  show(turnId: string, error: unknown): void {
    if (!isLashError(error, 'StoredDataCorrupt') && !isLashError(error, 'PluginStateRefused')) throw error;
    this.#found.add(turnId);
    this.#parts.feed.emit({ type: 'turn-joined', turn: damagedTurn(turnId, error) });
  }

  /** Whether the turn was found damaged, and not told to stop: there is nothing to do about it. */
  async isHopeless(turnId: string): Promise<boolean> {
    return this.#found.has(turnId) && !(await this.#isToldToStop(turnId));
  }

  /** Ends the turn if it was told to stop; the writer's lease is held. @throws `error` if it is not over then */
  async end(turnId: string, error: unknown): Promise<void> {
    const { history, feed, secrets } = this.#parts;
    this.show(turnId, error);
    if (!(await this.#isToldToStop(turnId))) throw error;
    const wire = toWireError(secrets.redactError(error));
    const failed = { status: 'failed', reason: 'runtime_error', error: wire, usage: NO_USAGE } as const;
    // Of this it needs nothing that was recorded.
    await history.append({
      operationId: `${turnId}/damaged`,
      parent: history.head.leaf,
      nodes: [],
      usage: [],
      turn: { kind: 'end', turnId, result: secrets.redactJson(failed) as never },
    });
    const result: TurnResult = { ...failed, leaf: history.head.leaf };
    feed.emit({ type: 'turn-finished', turnId, result });
  }

  async #isToldToStop(turnId: string): Promise<boolean> {
    const signals = await this.#parts.turns.signals(turnId);
    return signals.some(({ signalId }) => signalId === 'cancel');
  }
}

function damagedTurn(turnId: string, { message }: LashError): LiveTurn {
  return {
    turnId,
    step: 0,
    correlationId: null,
    text: '',
    reasoning: '',
    toolCalls: [],
    retry: null,
    waits: [],
    warnings: [message],
    interrupted: true,
  };
}
