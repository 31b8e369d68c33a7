import { loadModule } from '../../contract/load-module.ts';
import type { StoredTurn } from '../../contract/turn-store.ts';
import type { LashError } from '../../core/error.ts';
import type { PendingTurn } from '../../core/pending-turn.ts';
import type { TurnInput, TurnRequest } from '../../core/turn-input.ts';
import type { TurnResult } from '../../core/turn-result.ts';
import type { ApprovalDecision } from '../../core/turn-wait.ts';
import { sessionClosed, turnRunning } from '../session-errors.ts';
import { againIfFenced } from '../tabs/fenced.ts';
import { GoingOn } from './going-on.ts';
import { NextLook } from './next-look.ts';
import { OpenAsks } from './open-asks.ts';
import { waitsOfStored } from './pending-turns.ts';
import { RunningTurn } from './running-turn.ts';
import { ShownTurns } from './shown-turns.ts';
import type { TurnEngine } from './turn-engine.ts';
import { TurnOutcomes } from './turn-outcomes.ts';
import { traceTrouble } from './turn-trouble.ts';
import type { TurnsHost } from './turns-host.ts';

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
  readonly #shown: ShownTurns;
  readonly #next: NextLook;
  #engine: TurnEngine | undefined;
  readonly #here = new RunningTurn();
  readonly #asks = new OpenAsks();
  readonly #going: GoingOn;
  /** Whether the host asked to go on with what is found next. */
  #asked = false;
  #closed = false;

  constructor(host: TurnsHost) {
    this.#host = host;
    this.#outcomes = new TurnOutcomes(host.parts.turns);
    this.#shown = new ShownTurns(host, this.#outcomes);
    this.#going = new GoingOn((error) => traceTrouble(host.parts, error));
    this.#next = new NextLook(host.parts.clock, (contests) => this.goOn(false, contests));
    host.parts.feed.subscribe((event) => {
      const takesInput = event.type === 'input-accepted' || event.type === 'nodes-committed';
      if (takesInput && host.view().queue.length > 0)
        this.#shown.tellTaken(this.running).catch((error: unknown) => traceTrouble(host.parts, error));
      if (event.type !== 'turn-finished') return;
      this.#outcomes.settle(event.turnId, event.result);
      if (this.#here.of(event.turnId) !== null) this.#release();
    });
  }

  /** The turn that runs in this runtime. */
  get running(): string | null {
    return this.#here.turnId;
  }

  /** How a turn ends, whoever runs it; `forget` says that its input was not accepted. */
  outcome(turnId: string): { readonly ended: Promise<TurnResult>; readonly forget: () => void } {
    return this.#outcomes.of(turnId);
  }

  /** Accepts an input: resolves once it is stored, whenever its turn is. */
  async ask(turnId: string, input: TurnInput, request: TurnRequest): Promise<void> {
    const earlier = this.#asks.now;
    const ask = async (): Promise<void> =>
      await this.settled(async () => await this.#ask(turnId, input, request, earlier));
    await this.#asks.track(turnId, againIfFenced(ask));
  }

  async #ask(
    turnId: string,
    input: TurnInput,
    request: TurnRequest,
    earlier: OpenAsks['now'],
  ): Promise<void> {
    const claimed = this.running === null;
    if (claimed) this.#here.claim(turnId);
    let isKnown = false;
    try {
      const engine = await this.#load();
      isKnown = await engine.ask({ turnId, input, request, earlier, claimed });
    } finally {
      if (claimed) this.#here.unclaim(turnId);
      // What was there before may be to go on with; whoever asks for it again wants that.
      if (this.#here.run === null) this.goOn(isKnown);
      if (this.#here.run === null) this.#insist();
    }
  }

  /** Tells what is stored of turns that are not over, as a session that was just opened finds it. */
  async show(): Promise<void> {
    const begun = await this.#begun();
    if (begun !== null && this.#shown.turnId !== begun.turnId)
      await (await this.#load()).waiting.show(begun.turnId);
    await this.#shown.tellQueue(this.running);
  }

  /** What is not over, and why. */
  async pending(): Promise<readonly PendingTurn[]> {
    return await this.#shown.pending(this.running);
  }

  /** Puts a queued input before another one, or behind all. @throws `InputNotQueued` */
  async move(turnId: string, before: string | null): Promise<void> {
    await this.#host.parts.turns.move(turnId, before);
    await this.#changed();
  }

  /**
   * Stops a turn, wherever it is: one that runs is told to, one that waits or is queued ends. What it ended with is told by
   * `outcome`. @throws `TurnNotFound`
   */
  async cancel(turnId: string, reason: string): Promise<void> {
    if (this.#stop(turnId, reason)) return;
    await this.#asks.stop(turnId, reason);
    if (!this.#stop(turnId, reason)) await this.#stopStored(turnId, reason);
  }

  /** Whether the turn runs here, and was told to stop. Where it is left to others, they are told. */
  #stop(turnId: string, reason: string): boolean {
    const run = this.#here.of(turnId);
    if (run?.cancel(reason) !== true) return false;
    run.ended
      .then(async (end) => {
        if (end.kind === 'left' && !this.#closed) await this.#stopStored(turnId, reason);
      })
      .catch((error: unknown) => traceTrouble(this.#host.parts, error));
    return true;
  }

  async #stopStored(turnId: string, reason: string): Promise<void> {
    const withdrawn = await (await this.#load()).stored.cancel(turnId, reason);
    if (withdrawn !== null) this.#outcomes.settle(turnId, withdrawn);
    await this.#changed(true);
  }

  /**
   * Answers what a turn asked, once, from any tab, and resolves with the answer that stands (law TU11).
   *
   * @throws `TurnNotFound`
   */
  async answer(requestId: string, decision: ApprovalDecision): Promise<ApprovalDecision> {
    const standing = await (await this.#load()).stored.answer(requestId, decision);
    await this.#changed();
    return standing;
  }

  /** Looks what others stored for the turns, and goes on with what can go on. */
  async hear(asked = false): Promise<void> {
    await this.#here.hear(this.#host.parts.turns);
    await this.#shown.tellTaken(this.running);
    this.goOn(asked);
  }

  /**
   * Goes on with what can go on, unless that is under way. What goes wrong is found again at the next call. Where the host
   * wants to be asked and was not, only a turn that waits goes on, and what is queued behind one that ran here. With
   * `contests`, whoever runs the first one elsewhere is asked, and it is taken from whoever does not answer.
   */
  goOn(asked = false, contests = false): void {
    if (this.#closed || this.#host.unfinished === 'leave') return;
    this.#asked ||= asked;
    this.#going.next(async () => {
      if (this.#closed) return;
      if (this.running === null) await this.#goOn(contests);
      // What was told while it was being gone on with.
      else await this.#here.hear(this.#host.parts.turns);
    });
  }

  /** Refuses what must not happen while a turn runs here. @throws `TurnRunning` */
  refuseRunning(): void {
    if (this.running !== null) throw turnRunning(this.#host.parts.history.sessionId, this.running);
  }

  /** Refuses what must not happen during a turn, whoever runs it, or while nobody does. @throws `TurnRunning` */
  async refuseBegun(): Promise<void> {
    const begun = await this.#begun();
    if (begun === null) return;
    this.goOn();
    throw turnRunning(this.#host.parts.history.sessionId, begun.turnId);
  }

  /** Begins `work` while nothing is being gone on with that does not run yet. @throws `StorageBlocked` if that met it */
  async settled<T>(work: () => Promise<T>): Promise<T> {
    return await this.#going.settled(work);
  }

  /** Stops the running turn with this reason, and waits until it is over. What waits stays. */
  async close(reason: string): Promise<void> {
    this.#closed = true;
    this.#next.stop();
    // Others may wait for one that waits for storage.
    this.#here.run?.close(reason);
    await Promise.all(this.#asks.now.map(({ over }) => over));
    await this.#going.idle;
    this.#here.run?.close(reason);
    await this.#here.run?.ended;
    this.#outcomes.end(sessionClosed(this.#host.parts.history.sessionId));
  }

  /** Nothing of the session's turns goes on, nor is heard of, any more. */
  end(error: LashError): void {
    this.#closed = true;
    this.#next.stop();
    this.#outcomes.end(error);
  }

  /** Leaves the running turn as it is stored, to whoever goes on with it, and tells nothing of any any more. */
  async abandon(error: LashError): Promise<void> {
    this.end(error);
    await this.leaveTo(error);
  }

  /** Leaves the running turn to whoever holds the lease, and resolves when nothing of it is written here any more. */
  async leaveTo(error: LashError): Promise<void> {
    await this.#here.run?.leave(error);
  }

  /** The turn that has begun and is not over. */
  async #begun(): Promise<StoredTurn | null> {
    const [first] = await this.#host.parts.turns.pending();
    return first?.status === 'running' ? first : null;
  }

  async #goOn(contests: boolean): Promise<void> {
    const [first] = await this.#host.parts.turns.pending();
    if (first === undefined) return;
    if (this.#isLeftToHost(first) && !this.#asked) return;
    const engine = await this.#load();
    const isToBegin = first.status === 'queued';
    if (!isToBegin && !(await engine.waiting.isToResume(first, contests))) return;
    // Whoever asked for a turn meanwhile looks again.
    if (this.running !== null) return;
    this.#asked = false;
    await engine.goOn(first);
  }

  /** Whether the host wants to be asked before this one is gone on with. */
  #isLeftToHost(first: StoredTurn): boolean {
    const isIdle = first.status === 'queued' ? !this.#here.hasRun : waitsOfStored(first).length === 0;
    return this.#host.unfinished === 'ask' && isIdle;
  }

  /** Catches up with another tab, and goes on with what that seems to run once it does not answer, as long as somebody waits. */
  #insist(): void {
    this.#host.tabs().catchUp();
    this.#next.whileWaitedFor(() => this.running === null && this.#outcomes.isAnyAwaited);
  }

  /** Whoever left it may have found it ended. */
  async #left(): Promise<void> {
    this.#insist();
    if (!this.#closed) await this.#shown.settle(this.running);
  }

  #release(): void {
    this.#here.end();
    this.#host.tabs().leave();
  }

  /** Tells the other tabs that something of the turns was stored, and looks at it here. */
  async #changed(asked = false): Promise<void> {
    this.#host.tabs().announce({ kind: 'turns-changed' });
    await this.hear(asked);
  }

  async #load(): Promise<TurnEngine> {
    const { TurnEngine: Engine } = await loadModule('turn-engine', import('./turn-engine.ts'));
    return (this.#engine ??= new Engine({
      host: this.#host,
      shown: this.#shown,
      next: this.#next,
      here: this.#here,
      asks: this.#asks,
      going: this.#going,
      isClosed: () => this.#closed,
      isLeftToHost: (first) => this.#isLeftToHost(first),
      goOn: () => this.goOn(),
      changed: async () => await this.#changed(),
      left: async () => await this.#left(),
      release: () => this.#release(),
    }));
  }
}
