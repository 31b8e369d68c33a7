import type { StoredTurn } from '../../contract/turn-store.ts';
import type { TurnWait } from '../../core/turn-wait.ts';
import { isBrought, whenBrought } from './brought.ts';
import { DamagedTurns } from './damaged-turns.ts';
import { liveTurnOf } from './live-turn.ts';
import type { NextLook } from './next-look.ts';
import { waitsOfStored } from './pending-turns.ts';
import type { ShownTurns } from './shown-turns.ts';
import { readTurn } from './turn-journal.ts';
import type { TurnsHost } from './turns-host.ts';

/** A session's turns that have begun and that nobody runs. */
export class WaitingTurns {
  readonly #host: TurnsHost;
  readonly #shown: ShownTurns;
  readonly #next: NextLook;
  readonly #damaged: DamagedTurns;

  constructor(host: TurnsHost, shown: ShownTurns, next: NextLook) {
    this.#host = host;
    this.#shown = shown;
    this.#next = next;
    this.#damaged = new DamagedTurns(host.parts);
  }

  /** Shows one, or what is wrong with it. */
  async show(turnId: string): Promise<void> {
    const { turns, feed, history } = this.#host.parts;
    try {
      const recorded = await turns.load(turnId);
      if (recorded === null) return;
      feed.emit({ type: 'turn-joined', turn: liveTurnOf(readTurn(history.sessionId, recorded)) });
    } catch (error) {
      this.#damaged.show(turnId, error);
    }
  }

  /**
   * Ends one that cannot be gone on with for `error`, if its record is damaged and it was told to stop; the writer's lease is
   * held. @throws `error` if it is not over then
   */
  async endDamaged(turnId: string, error: unknown): Promise<void> {
    await this.#damaged.end(turnId, error);
    this.#host.tabs().announce({ kind: 'turns-changed' });
  }

  /**
   * As {@link isBrought}, of one that was just suspended: what it waits for may have come while that was being stored. A
   * credential that is there is the one that was refused.
   */
  async isBroughtSoon(turnId: string, waits: readonly TurnWait[]): Promise<boolean> {
    const others = waits.filter(({ kind }) => kind !== 'credentials');
    return await this.isBrought(turnId, others);
  }

  /** Whether something of what one waits for is there, or it was told to stop. If not, it is looked for later. */
  async isBrought(turnId: string, waits: readonly TurnWait[]): Promise<boolean> {
    const { parts } = this.#host;
    const signals = await parts.turns.signals(turnId);
    const known = new Set(signals.map(({ signalId }) => signalId));
    if (waits.some((wait) => isBrought(wait, known, parts))) return true;
    // When the time has come, or the network is there. Whatever else is brought, whoever brings it says so.
    this.#next.when(async (signal) => await whenBrought(waits, parts, signal));
    return false;
  }

  /** Whether what one waits for is there, and nobody else runs it; with `contests`, whoever seems to is asked. */
  async isToResume(stored: StoredTurn, contests: boolean): Promise<boolean> {
    const held = waitsOfStored(stored);
    if (await this.#damaged.isHopeless(stored.turnId)) return false;
    if (held.length > 0 && !(await this.isBrought(stored.turnId, held))) {
      await this.show(stored.turnId);
      return false;
    }
    if (held.length > 0 || contests || this.#host.tabs().isWriter) return true;
    return !(await this.#shown.isHeld());
  }
}
