import type { StoredTurn } from '../../contract/turn-store.ts';
import { isLashError, type LashError } from '../../core/error.ts';
import type { TurnInput, TurnRequest } from '../../core/turn-input.ts';
import { sessionClosed, turnRunning } from '../session-errors.ts';
import type { CheckedAsk } from './checked-ask.ts';
import type { GoingOn } from './going-on.ts';
import type { NextLook } from './next-look.ts';
import type { OpenAsks } from './open-asks.ts';
import { resultOf } from './pending-turns.ts';
import { askOf } from './queued-input.ts';
import type { RunningTurn } from './running-turn.ts';
import type { ShownTurns } from './shown-turns.ts';
import { StoredTurns } from './stored-turns.ts';
import { TurnMaker } from './turn-maker.ts';
import type { TurnRun } from './turn-run.ts';
import { traceTrouble } from './turn-trouble.ts';
import type { TurnsHost } from './turns-host.ts';
import { WaitingTurns } from './waiting-turns.ts';

/** What a session knows of its turns before the engine is there, and what becomes of those that it starts. */
export interface EngineHost {
  readonly host: TurnsHost;
  readonly shown: ShownTurns;
  readonly next: NextLook;
  readonly here: RunningTurn;
  readonly asks: OpenAsks;
  readonly going: GoingOn;
  isClosed(): boolean;
  /** Whether the host wants to be asked before this one is gone on with. */
  isLeftToHost(first: StoredTurn): boolean;
  /** Goes on with what can go on. */
  goOn(): void;
  /** Something of the turns was stored. */
  changed(): Promise<void>;
  /** The turn that ran here was left to another tab. */
  left(): Promise<void>;
  /** No turn runs here any more. */
  release(): void;
}

/** A turn that is asked for. */
export interface AskedTurn {
  readonly turnId: string;
  readonly input: TurnInput;
  readonly request: TurnRequest;
  /** What was asked for before it, and was not over then. */
  readonly earlier: OpenAsks['now'];
  /** Whether it is the one that is about to run here. */
  readonly claimed: boolean;
}

/**
 * Starts the turns of one session: those that are asked for, those that were queued, and those that nobody runs any more. It
 * is loaded with the first one: whoever only reads or follows does without.
 */
export class TurnEngine {
  readonly stored: StoredTurns;
  /** Those that this engine may go on with. */
  readonly waiting: WaitingTurns;
  readonly #maker: TurnMaker;
  readonly #session: EngineHost;
  readonly #host: TurnsHost;

  constructor(session: EngineHost) {
    const { host, shown, next } = session;
    this.#session = session;
    this.#host = host;
    this.#maker = new TurnMaker(host.parts);
    this.stored = new StoredTurns(host.parts);
    this.waiting = new WaitingTurns(host, shown, next);
  }

  /** Begins a turn or queues it. Resolves with whether it is known already. @throws why it was not accepted */
  async ask({ turnId, input, request, earlier, claimed }: AskedTurn): Promise<boolean> {
    const checked = await this.#maker.check(input, request);
    const isRefused = (request.whenRunning ?? 'reject') === 'reject';
    // Inputs are queued in the order in which they were asked for, and the same one once.
    for (const ask of earlier) if (!isRefused || ask.turnId === turnId) await ask.over;
    const busy = claimed ? await this.#enter(turnId) : this.#turnRunning(this.#running ?? turnId);
    if (busy === null) return await this.#askAsWriter(turnId, checked, isRefused);
    if (await this.#isKnown(turnId, checked)) return true;
    if (isRefused) throw busy;
    await this.#queue(turnId, checked);
    return false;
  }

  /** Goes on with the first of the stored turns, which nobody runs: counts it as starting before it waits for anything. */
  async goOn({ turnId, status }: StoredTurn): Promise<void> {
    const { going } = this.#session;
    const isToBegin = status === 'queued';
    try {
      if (!isToBegin) await going.start(this.#resume(turnId));
      // That its begin is stored is waited for by what goes on behind it alone.
      else await (await going.start(this.#beginQueued(turnId)))?.accepted;
    } catch (error) {
      if (isToBegin) await this.#notBegun(turnId, error);
      throw error;
    }
  }

  get #running(): string | null {
    return this.#session.here.turnId;
  }

  /** The lease is here; it is given back unless the turn begins. Resolves with whether the turn is known already. */
  async #askAsWriter(turnId: string, checked: CheckedAsk, isRefused: boolean): Promise<boolean> {
    try {
      if (await this.#isKnown(turnId, checked)) return true;
      const [first] = await this.#host.parts.turns.pending();
      const isQueueIdle = first?.status === 'queued' && (isRefused || this.#session.isLeftToHost(first));
      if (first !== undefined && !isQueueIdle) {
        if (isRefused) throw this.#turnRunning(first.turnId);
        await this.#queue(turnId, checked);
      } else {
        const run = await this.#begin(turnId, checked, false);
        await run.accepted;
      }
      return false;
    } finally {
      this.#leaveUnlessBegun(turnId);
    }
  }

  /** Whether the id was accepted before, with the same request (rule SN1). @throws `OperationConflict` */
  async #isKnown(turnId: string, checked: CheckedAsk): Promise<boolean> {
    const stored = await this.stored.known(turnId, checked);
    if (stored?.status === 'ended') this.#session.shown.end(turnId, resultOf(stored));
    return stored !== null;
  }

  /** Takes the lease; resolves with the error if another tab is in a turn. */
  async #enter(turnId: string): Promise<LashError | null> {
    await this.#host.writes.idle;
    return await this.#host.tabs().enter(turnId);
  }

  #leaveUnlessBegun(turnId: string): void {
    if (this.#session.here.of(turnId) === null) this.#host.tabs().leave();
  }

  async #begin(turnId: string, checked: CheckedAsk, isQueued: boolean): Promise<TurnRun> {
    const run = await this.#maker.plan(turnId, checked, this.#host.policy(), isQueued);
    if (this.#session.isClosed()) throw sessionClosed(this.#host.parts.history.sessionId);
    this.#watch(turnId, run);
    run.begin();
    const stop = this.#session.asks.takeStop(turnId);
    if (stop !== undefined) run.cancel(stop);
    return run;
  }

  async #queue(turnId: string, checked: CheckedAsk): Promise<void> {
    await this.stored.queue(turnId, checked, this.#running);
    await this.#session.changed();
  }

  async #beginQueued(turnId: string): Promise<TurnRun | null> {
    if ((await this.#enter(turnId)) !== null) return null;
    try {
      // Another tab may have begun it before the lease was here.
      const [first] = await this.#host.parts.turns.pending();
      if (first?.turnId !== turnId || first.status !== 'queued') return null;
      return await this.#begin(turnId, { ask: askOf(first), hash: first.hash }, true);
    } finally {
      this.#leaveUnlessBegun(turnId);
    }
  }

  /** A queued input whose turn cannot begin is over; who took it out of the queue meanwhile said how it ended. */
  async #notBegun(turnId: string, error: unknown): Promise<void> {
    if (this.#session.isClosed() || !isLashError(error) || error.retryable) return;
    const result = await this.stored.giveUp(turnId, error);
    // A run that ended before its input was stored has told it.
    const isTold = result === null || this.#host.view().lastTurn?.turnId === turnId;
    if (!isTold) this.#host.parts.feed.emit({ type: 'turn-finished', turnId, result });
    await this.#session.changed();
  }

  async #resume(turnId: string): Promise<void> {
    if ((await this.#enter(turnId)) !== null) return;
    try {
      // Another tab may have gone on with it, or ended it, before the lease was here.
      const recorded = await this.#host.parts.turns.load(turnId);
      if (recorded === null) return this.#host.tabs().leave();
      this.#watch(turnId, await this.#maker.goOn(recorded));
    } catch (error) {
      await this.waiting.endDamaged(turnId, error).finally(() => this.#host.tabs().leave());
      this.#session.goOn();
    }
  }

  #watch(turnId: string, run: TurnRun): void {
    const session = this.#session;
    session.here.begin(turnId, run);
    run.ended
      .then(async (end) => {
        if (session.here.run === run) session.release();
        if (end.kind === 'finished') session.goOn();
        else if (end.kind === 'left') await session.left();
        else if (await this.waiting.isBroughtSoon(turnId, end.waits)) session.goOn();
      })
      .catch((error: unknown) => traceTrouble(this.#host.parts, error));
  }

  #turnRunning(turnId: string): LashError {
    return turnRunning(this.#host.parts.history.sessionId, turnId);
  }
}
