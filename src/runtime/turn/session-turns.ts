import type { StoredTurn } from '../../contract/turn-store.ts';
import { isLashError, LashError, toLashError, toWireError } from '../../core/error.ts';
import type { SessionEvent } from '../../core/event.ts';
import type { JsonValue } from '../../core/json.ts';
import type { PendingTurn } from '../../core/pending-turn.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import type { TurnInput, TurnRequest } from '../../core/turn-input.ts';
import type { TurnResult } from '../../core/turn-result.ts';
import type { ApprovalDecision, TurnWait } from '../../core/turn-wait.ts';
import { NO_USAGE } from '../../core/usage.ts';
import type { SessionParts } from '../model/model-caller.ts';
import { sessionClosed, turnRunning } from '../session-errors.ts';
import { isBrought, whenBrought } from './brought.ts';
import { pendingTurn, resultOf, waitsOfStored } from './pending-turns.ts';
import { askOf } from './queued-input.ts';
import type { CheckedAsk, TurnEngine } from './turn-engine.ts';
import { TurnHandle } from './turn-handle.ts';
import { TurnOutcomes } from './turn-outcomes.ts';
import type { TurnRun } from './turn-run.ts';

/** What a session's turns need from the runtime. */
export interface TurnsHost {
  readonly parts: SessionParts;
  /** What becomes of a turn that nobody runs; `leave`: it is not for this runtime to write. */
  readonly unfinished: 'go-on' | 'ask' | 'leave';
  policy(): SessionPolicy;
  /** Resolves when no other write of this runtime is under way. */
  idle(): Promise<unknown>;
  /** Takes the writer's lease. @throws `SessionHeldElsewhere` and what storage throws */
  enter(turnId: string): Promise<void>;
  leave(): void;
  /** The turn that the view shows as running. */
  shown(): string | null;
  /** Whether the view shows inputs that wait. */
  hasQueue(): boolean;
  /** Tells what happened elsewhere. */
  tell(event: SessionEvent): void;
  /** Tells the other tabs that something of the turns was stored. */
  announce(): void;
}

/**
 * The turns of one session in this runtime: the one that runs here, those that wait for something, and those that are
 * queued, whoever began or queued them.
 *
 * - SN1 A turn id is one turn (law TU1): asked for again it is the same turn, from any tab, also when it is over.
 * - SN2 A turn that has begun is gone on with by whoever finds that nobody runs it, once what it waits for is there.
 * - SN3 When a turn is over, the next queued input begins.
 * - SN4 A turn that waits holds no lease (law TU11).
 */
export class SessionTurns {
  readonly #host: TurnsHost;
  readonly #outcomes: TurnOutcomes;
  #engine: Promise<TurnEngine> | undefined;
  #run: { readonly turnId: string; readonly run: TurnRun } | null = null;
  /** The turn that is being begun, before it runs. */
  #starting: string | null = null;
  /** Turns that were told to stop before they ran, with the reason. */
  readonly #stops = new Map<string, string>();
  readonly #asking = new Set<Promise<void>>();
  #waiting = new AbortController();
  #going: Promise<void> = Promise.resolve();
  /** Whether a turn of this session ran in this runtime. */
  #ranHere = false;
  #closed = false;

  constructor(host: TurnsHost) {
    this.#host = host;
    this.#outcomes = new TurnOutcomes(host.parts.turns);
    host.parts.feed.subscribe((event) => {
      const takesInput = event.type === 'input-accepted' || event.type === 'nodes-committed';
      if (takesInput && host.hasQueue())
        this.#tellQueue().catch((error: unknown) => this.#tellTrouble(error));
      if (event.type !== 'turn-finished') return;
      this.#outcomes.settle(event.turnId, event.result);
      if (this.#run?.turnId === event.turnId) this.#release();
    });
  }

  /** The turn that runs in this runtime. */
  get running(): string | null {
    return this.#run?.turnId ?? this.#starting;
  }

  /** Asks for a turn; its handle is there at once. `refusal`: why it is not accepted. */
  start(turnId: string, input: TurnInput, request: TurnRequest, refusal: LashError | null): TurnHandle {
    const { feed, secrets } = this.#host.parts;
    const { ended, forget } = this.#outcomes.of(turnId);
    const accepted = (refusal === null ? this.ask(turnId, input, request) : Promise.reject(refusal)).catch(
      (error: unknown) => {
        forget();
        throw secrets.redactError(error);
      },
    );
    const cancel = async (reason: string): Promise<void> => await this.cancel(turnId, reason);
    return new TurnHandle({ turnId, feed, accepted, result: ended, cancel });
  }

  /** Accepts an input: resolves once it is stored, whenever its turn is. */
  async ask(turnId: string, input: TurnInput, request: TurnRequest): Promise<void> {
    const asking = this.#ask(turnId, input, request);
    const over = asking.catch(() => undefined);
    this.#asking.add(over);
    try {
      await asking;
    } catch (error) {
      this.#stops.delete(turnId);
      throw error;
    } finally {
      this.#asking.delete(over);
    }
    await this.#stopIfTold(turnId);
  }

  async #ask(turnId: string, input: TurnInput, request: TurnRequest): Promise<void> {
    const claimed = this.running === null;
    if (claimed) this.#starting = turnId;
    const earlier = [...this.#asking];
    let isKnown = false;
    try {
      const engine = await this.#load();
      const checked = await engine.check(input, request);
      // Inputs are accepted in the order in which they were asked for, and the same one once.
      await Promise.all(earlier);
      const isRefused = (request.whenRunning ?? 'reject') === 'reject';
      if (claimed && (await this.#enter(turnId, !isRefused))) {
        isKnown = await this.#askAsWriter(engine, turnId, checked, isRefused);
        return;
      }
      isKnown = await this.#isKnown(turnId, checked);
      if (isKnown) return;
      if (isRefused) throw turnRunning(this.#host.parts.history.sessionId, this.running ?? turnId);
      await this.#queue(turnId, checked);
    } finally {
      if (claimed && this.#starting === turnId) this.#starting = null;
      // What was there before may be to go on with; whoever asks for it again wants that.
      if (this.#run === null) this.goOn(isKnown);
    }
  }

  /** The lease is here; it is given back unless the turn begins. Resolves with whether the turn is known already. */
  async #askAsWriter(
    engine: TurnEngine,
    turnId: string,
    checked: CheckedAsk,
    isRefused: boolean,
  ): Promise<boolean> {
    try {
      if (await this.#isKnown(turnId, checked)) return true;
      const begun = (await this.#host.parts.turns.pending()).find(({ status }) => status === 'running');
      if (begun === undefined) await this.#begin(engine, turnId, checked);
      else if (isRefused) throw turnRunning(this.#host.parts.history.sessionId, begun.turnId);
      else await this.#queue(turnId, checked);
      return false;
    } finally {
      if (this.#run?.turnId !== turnId) this.#host.leave();
    }
  }

  /** Tells what is stored of turns that are not over, as a session that was just opened finds it. */
  async show(): Promise<void> {
    const { turns, feed } = this.#host.parts;
    const pending = await turns.pending();
    const [first] = pending;
    if (first === undefined) return;
    const recorded = first.status === 'running' ? await turns.load(first.turnId) : null;
    if (recorded !== null && this.#host.shown() !== first.turnId) {
      feed.emit({ type: 'turn-joined', turn: (await this.#load()).show(recorded) });
    }
    await this.#tellQueue();
  }

  /** What is not over, and why. */
  async pending(): Promise<readonly PendingTurn[]> {
    const { parts } = this.#host;
    const stored = await parts.turns.pending();
    const held = this.running !== null || (await this.#isHeldElsewhere());
    return stored.map((turn) => pendingTurn(turn, held));
  }

  /** Puts a queued input before another one, or behind all. @throws `InputNotQueued` */
  async move(turnId: string, before: string | null): Promise<void> {
    await this.#host.parts.turns.move(turnId, before);
    this.#host.announce();
  }

  /**
   * Stops a turn, wherever it is: one that runs is told to, one that waits or is queued ends. What it ended with is told by
   * `outcome`. @throws `TurnNotFound`
   */
  async cancel(turnId: string, reason: string): Promise<void> {
    if (this.#run?.turnId === turnId) return this.#run.run.cancel(reason);
    if (this.#starting === turnId) return void this.#stops.set(turnId, reason);
    const { turns, secrets } = this.#host.parts;
    let stored = await turns.find(turnId);
    if (stored === null) {
      // It may be on its way into the queue.
      await Promise.all(this.#asking);
      stored = await turns.find(turnId);
    }
    if (stored?.status === 'ended') return;
    const { leaf } = this.#host.parts.history.head;
    const withdrawn = { status: 'cancelled', reason: 'withdrawn', leaf, usage: NO_USAGE } as const;
    if (stored?.status === 'queued' && (await this.#withdraw(turnId, withdrawn))) return;
    await turns.signal({ turnId, signalId: 'cancel', value: secrets.redactText(reason) });
    this.#host.announce();
    this.goOn(true);
  }

  /**
   * Answers what a turn asked, once, from any tab, and resolves with the answer that stands (law TU11).
   *
   * @throws `TurnNotFound`
   */
  async answer(requestId: string, decision: ApprovalDecision): Promise<ApprovalDecision> {
    const { turns, secrets } = this.#host.parts;
    const slash = requestId.lastIndexOf('/');
    const [turnId, signalId] = [requestId.slice(0, slash), requestId.slice(slash + 1)];
    const value = secrets.redactJson(decision) as unknown as JsonValue;
    const standing = await turns.signal({ turnId, signalId, value });
    this.#host.announce();
    await this.hear();
    return standing.value as unknown as ApprovalDecision;
  }

  /** Looks what others stored for the turns, and goes on with what can go on. */
  async hear(): Promise<void> {
    await this.#hearSignals();
    await this.#tellQueue();
    await this.#settleElsewhere();
    this.goOn();
  }

  /**
   * Goes on with what can go on, unless that is under way. What goes wrong is found again at the next call. Where the host
   * wants to be asked and was not, only a turn that waits goes on, and what is queued behind one that ran here.
   */
  goOn(asked = false): void {
    if (this.#closed || this.#host.unfinished === 'leave') return;
    this.#going = this.#going.then(async () => {
      try {
        if (this.#closed) return;
        if (this.running === null) await this.#goOn(asked);
        // What was told while it was being gone on with.
        else await this.#hearSignals();
      } catch (error) {
        // Another tab is faster, or storage does not answer now: what is stored stays as it is.
        this.#tellTrouble(error);
      }
    });
  }

  /** Tells the running turn what is stored for it. */
  async #hearSignals(): Promise<void> {
    const run = this.#run;
    if (run === null) return;
    const signals = await this.#host.parts.turns.signals(run.turnId);
    run.run.hear(new Map(signals.map(({ signalId, value }) => [signalId, value])));
  }

  /** Stops the running turn with this reason, and waits until it is over. What waits stays. */
  async close(reason: string): Promise<void> {
    this.#closed = true;
    this.#waiting.abort();
    await Promise.all(this.#asking);
    await this.#going;
    const run = this.#run?.run;
    run?.cancel(reason);
    await run?.ended;
  }

  /** Leaves the running turn to whoever holds the lease, and resolves when nothing of it is written here any more. */
  async leaveTo(error: LashError): Promise<void> {
    await this.#run?.run.leave(error);
  }

  /** Whether the id was accepted before, with the same request (rule SN1). @throws `OperationConflict` */
  async #isKnown(turnId: string, { hash }: CheckedAsk): Promise<boolean> {
    const stored = await this.#host.parts.turns.find(turnId);
    if (stored === null) return false;
    if (stored.hash !== hash) {
      const message = `The turn ${turnId} was asked for before, with another input`;
      throw new LashError('OperationConflict', message, { operationId: turnId });
    }
    if (stored.status === 'ended') this.#outcomes.settle(turnId, resultOf(stored));
    return true;
  }

  /** Takes the lease. With `mayFail`, that another tab is in a turn is no error. */
  async #enter(turnId: string, mayFail: boolean): Promise<boolean> {
    await this.#host.idle();
    try {
      await this.#host.enter(turnId);
      return true;
    } catch (error) {
      this.#host.leave();
      if (mayFail && isLashError(error, 'SessionHeldElsewhere')) return false;
      throw error;
    }
  }

  async #begin(engine: TurnEngine, turnId: string, checked: CheckedAsk): Promise<void> {
    const run = await engine.plan(turnId, checked, this.#host.policy());
    if (this.#closed) throw sessionClosed(this.#host.parts.history.sessionId);
    this.#watch(turnId, run);
    run.begin();
    const stop = this.#stops.get(turnId);
    this.#stops.delete(turnId);
    if (stop !== undefined) run.cancel(stop);
    await run.accepted;
  }

  async #queue(turnId: string, { ask, hash }: CheckedAsk): Promise<void> {
    const { turns, clock } = this.#host.parts;
    await turns.accept({ turnId, hash, request: ask as unknown as JsonValue, at: clock.now() });
    this.#host.announce();
    await this.hear();
  }

  async #withdraw(turnId: string, result: TurnResult): Promise<boolean> {
    const { turns } = this.#host.parts;
    try {
      await turns.withdraw(turnId, result as unknown as JsonValue);
    } catch (error) {
      if (isLashError(error, 'InputNotQueued')) return false;
      throw error;
    }
    this.#outcomes.settle(turnId, result);
    this.#host.announce();
    await this.hear();
    return true;
  }

  async #goOn(asked: boolean): Promise<void> {
    const { parts, unfinished } = this.#host;
    const [first] = await parts.turns.pending();
    if (first === undefined) return;
    const isIdle = first.status === 'queued' ? !this.#ranHere : waitsOfStored(first).length === 0;
    if (unfinished === 'ask' && isIdle && !asked) return;
    const engine = await this.#load();
    this.#starting = first.turnId;
    try {
      if (first.status === 'queued') await this.#beginQueued(engine, first);
      else await this.#resume(engine, first);
    } finally {
      if (this.#starting === first.turnId) this.#starting = null;
    }
    await this.#stopIfTold(first.turnId);
  }

  /** A turn that was known before may have been told to stop while it was being looked for. */
  async #stopIfTold(turnId: string): Promise<void> {
    const stop = this.#stops.get(turnId);
    if (stop !== undefined && this.#stops.delete(turnId)) await this.cancel(turnId, stop);
  }

  async #beginQueued(engine: TurnEngine, { turnId }: StoredTurn): Promise<void> {
    if (!(await this.#enter(turnId, true))) return;
    try {
      // Another tab may have begun it before the lease was here.
      const [first] = await this.#host.parts.turns.pending();
      if (first?.turnId !== turnId || first.status !== 'queued') return;
      await this.#begin(engine, turnId, { ask: askOf(first), hash: first.hash });
    } catch (error) {
      if (isLashError(error) && !error.retryable) await this.#giveUp(turnId, error);
      throw error;
    } finally {
      if (this.#run?.turnId !== turnId) this.#host.leave();
    }
  }

  /** A queued input whose turn cannot begin is over. */
  async #giveUp(turnId: string, error: LashError): Promise<void> {
    const { secrets, history } = this.#host.parts;
    const failed = {
      status: 'failed',
      reason: 'runtime_error',
      leaf: history.head.leaf,
      usage: NO_USAGE,
    } as const;
    await this.#withdraw(turnId, { ...failed, error: toWireError(secrets.redactError(error)) });
  }

  async #resume(engine: TurnEngine, stored: StoredTurn): Promise<void> {
    const { turns, feed } = this.#host.parts;
    const { turnId } = stored;
    const held = waitsOfStored(stored);
    const signals = await turns.signals(turnId);
    const known = new Set(signals.map(({ signalId }) => signalId));
    if (held.length > 0 && !held.some((wait) => isBrought(wait, known, this.#host.parts))) {
      const recorded = await turns.load(turnId);
      if (recorded !== null) feed.emit({ type: 'turn-joined', turn: engine.show(recorded) });
      return this.#waitFor(held);
    }
    if (!(await this.#enter(turnId, true))) return;
    try {
      // Another tab may have gone on with it, or ended it, before the lease was here.
      const recorded = await turns.load(turnId);
      if (recorded === null) return this.#host.leave();
      this.#watch(turnId, engine.goOn(recorded));
    } catch (error) {
      this.#host.leave();
      throw error;
    }
  }

  #watch(turnId: string, run: TurnRun): void {
    this.#run = { turnId, run };
    this.#ranHere = true;
    this.#starting = null;
    run.ended
      .then((end) => {
        if (this.#run?.run === run) this.#release();
        if (end.kind === 'suspended') this.#waitFor(end.waits);
        if (end.kind === 'finished') this.goOn();
      })
      .catch((error: unknown) => this.#tellTrouble(error));
  }

  #release(): void {
    this.#run = null;
    this.#host.leave();
  }

  /** Goes on when the time has come, or the network is there; whatever else is brought, whoever brings it says so. */
  #waitFor(waits: readonly TurnWait[]): void {
    this.#waiting.abort();
    const waiting = new AbortController();
    this.#waiting = waiting;
    whenBrought(waits, this.#host.parts, waiting.signal).then(
      () => this.goOn(),
      () => undefined,
    );
  }

  async #settleElsewhere(): Promise<void> {
    const shown = this.#host.shown();
    const result = await this.#outcomes.look(shown, this.running);
    if (shown === null || result === null || shown !== this.#host.shown()) return;
    this.#host.tell({ type: 'turn-finished', turnId: shown, result });
  }

  async #isHeldElsewhere(): Promise<boolean> {
    const { environment, history } = this.#host.parts;
    return await environment.sessionStoreFactory.leases.isHeld(history.sessionId);
  }

  async #tellQueue(): Promise<void> {
    const queue = (await this.pending()).filter(({ status }) => status === 'queued');
    this.#host.parts.feed.emit({ type: 'queue-changed', queue });
  }

  #tellTrouble(cause: unknown): void {
    const error = toLashError(cause);
    const { tracer, secrets, history } = this.#host.parts;
    const { code, message } = secrets.redactError(error);
    tracer.write(
      { session_id: history.sessionId },
      { type: 'custom', name: 'turn_not_resumed', payload: { code, message } },
    );
  }

  async #load(): Promise<TurnEngine> {
    this.#engine ??= import('./turn-engine.ts').then(
      ({ TurnEngine: Engine }) => new Engine(this.#host.parts),
    );
    return await this.#engine;
  }
}
