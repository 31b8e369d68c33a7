import type { TraceContext } from '../../contract/trace.ts';
import {
  fromWireError,
  isLashError,
  type LashError,
  toLashError,
  toWireError,
  type WireError,
} from '../../core/error.ts';
import type { SessionEvent, TurnActivity } from '../../core/event.ts';
import type { JsonValue } from '../../core/json.ts';
import type { TurnResult } from '../../core/turn-result.ts';
import type { TurnWait } from '../../core/turn-wait.ts';
import type { TurnEffect } from '../../turn/effect.ts';
import type { TurnInputEvent } from '../../turn/input.ts';
import { transition } from '../../turn/machine.ts';
import { heldEffects, openEffects, spendingOf, suspensionOf, waitsOf } from '../../turn/open-effects.ts';
import { isRecorded } from '../../turn/replay.ts';
import type { TurnState } from '../../turn/state.ts';
import { Deferred } from '../deferred.ts';
import type { ModelCaller, SessionParts } from '../model/model-caller.ts';
import { cancelled } from '../session-errors.ts';
import { isBrought } from './brought.ts';
import { collectInputs } from './collect-inputs.ts';
import { repeatedActivity } from './live-turn.ts';
import { LONG_WAIT_MS, ModelCalls } from './model-calls.ts';
import { isPassing, pause, PatientStorage } from './patient-storage.ts';
import { partsOf } from './queued-input.ts';
import type { RunEnd } from './run-end.ts';
import type { RunStart } from './run-start.ts';
import { RunningEffects } from './running-effects.ts';
import { ShownTexts } from './shown-texts.ts';
import { ToolCalls } from './tool-calls.ts';
import { type CommitEffect, TurnCommits } from './turn-commits.ts';
import { type JournalEntry, TurnJournal } from './turn-journal.ts';
import { TurnStops } from './turn-stops.ts';
import { TurnTime } from './turn-time.ts';

/**
 * Drives one turn: feeds the machine with inputs, one at a time, and performs the effects it asks for. The only place
 * that waits on behalf of a turn.
 *
 * - TR-1 Every effect that fails in an unforeseen way ends the turn as failed; none is left without an answer (law TU6),
 *   and none outlives the run.
 * - TR-2 Memory and events follow a completed commit (law ST14), since `committed` is the answer to it.
 * - TR-3 What the machine is told is stored before anything follows from it, unless a commit that follows stores it
 *   (law TU3).
 * - TR-4 Whoever is not the writer any more stops, tells nothing and changes nothing.
 */
export class TurnRun {
  readonly #start: RunStart;
  readonly #parts: SessionParts;
  readonly #journal: TurnJournal;
  readonly #texts: ShownTexts;
  readonly #models: ModelCalls;
  readonly #tools: ToolCalls;
  readonly #storage: PatientStorage;
  readonly #commits: TurnCommits;
  readonly #time: TurnTime;
  readonly #inputs: TurnInputEvent[] = [];
  readonly #running = new RunningEffects();
  readonly #stopping = new TurnStops();
  readonly #started: Set<string>;
  readonly #signals: Map<string, JsonValue>;
  readonly #accepted = new Deferred<void>();
  readonly #ended = new Deferred<RunEnd>();
  readonly #unsubscribe: () => void;
  #state: TurnState;
  /** Whether the turn is stored as one that has begun. */
  #isStored = false;
  #draining = false;
  #over = false;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(start: RunStart, parts: SessionParts, caller: ModelCaller) {
    const { turnId } = start.scope;
    this.#start = start;
    this.#parts = parts;
    this.#state = start.state;
    this.#started = new Set(start.started);
    this.#signals = new Map(start.signals);
    this.#time = new TurnTime(parts.clock, start.scope.policy.maxTurnMs, start.usedMs);
    this.#journal = new TurnJournal(
      parts.turns,
      turnId,
      start.entries,
      () => parts.history.epoch,
      this.#time,
    );
    this.#texts = new ShownTexts(this.#journal, parts.clock);
    this.#storage = new PatientStorage(parts.clock, (error) =>
      this.#tellWaits(error === null ? waitsOf(this.#state) : [{ kind: 'storage', code: error.code }]),
    );
    this.#commits = new TurnCommits(parts, start, this.#storage, this.#time, this.#stopping);
    this.#models = new ModelCalls(parts, caller, this.#storage, start);
    this.#tools = new ToolCalls(parts, caller, {
      start,
      trace: this.#context,
      signals: this.#signals,
      started: this.#started,
      offered: this.#models.offered,
      storage: this.#storage,
      record: async (started) => await this.#write([{ started }], { strict: true }),
      perform: (effect, work) => this.#own(this.#abortable(effect, work)),
    });
    this.#unsubscribe = parts.feed.subscribe((event) => this.#keepText(event));
    // Whoever does not wait for acceptance hears of a refusal by `turn-finished`.
    this.#accepted.promise.catch(() => undefined);
  }

  /** Resolves once the input is stored; rejects if it could not be. */
  get accepted(): Promise<void> {
    return this.#accepted.promise;
  }

  /** How the run ended. It never rejects. */
  get ended(): Promise<RunEnd> {
    return this.#ended.promise;
  }

  /** Begins the turn. */
  begin(): void {
    const { input, target } = this.#start;
    const metadata = { input_item_count: input === null ? 0 : partsOf(input).length };
    this.#parts.tracer.write(this.#context, { type: 'turn_started', metadata });
    this.#dispatch({ type: 'start', input, target });
    this.#limitTime();
  }

  /** Goes on where somebody else stopped. */
  goOn(): void {
    this.#isStored = true;
    this.#accepted.resolve();
    this.#limitTime();
    for (const activity of repeatedActivity(this.#start.scope.turnId, this.#state)) this.#emit(activity);
    for (const effect of openEffects(this.#state)) this.#perform(effect);
    const told = new Set(this.#signals.keys());
    for (const { effect, wait } of heldEffects(this.#state)) {
      if (isBrought(wait, told, this.#parts)) this.#dispatch({ type: 'released', effect });
    }
    this.#hearCancel();
  }

  /** Tells the run what others told the turn. */
  hear(signals: ReadonlyMap<string, JsonValue>): void {
    for (const [signalId, value] of signals) {
      if (this.#signals.has(signalId)) continue;
      this.#signals.set(signalId, value);
      if (signalId !== 'cancel') this.#dispatch({ type: 'released', effect: signalId });
    }
    this.#hearCancel();
  }

  #hearCancel(): void {
    const reason = this.#signals.get('cancel');
    if (typeof reason === 'string') this.cancel(reason);
  }

  /**
   * Asks the turn to stop; how it ended says who was first (law TU5). That it ended is told once it is stored, however long
   * storage is away. `false`: this run is over, and heard nothing.
   */
  cancel(reason: string): boolean {
    if (this.#over) return false;
    this.#dispatch({ type: 'cancel', reason, at: this.#parts.clock.now() });
    return true;
  }

  /** As {@link cancel}, but where storage is away now, the turn is left as it is stored. */
  close(reason: string): void {
    this.#storage.stop();
    this.cancel(reason);
  }

  /** Leaves the turn as it is stored, and resolves when it writes no more (rule TR-4). */
  async leave(error: LashError): Promise<void> {
    this.#end({ kind: 'left', error });
    await this.#texts.stop();
    await this.#journal.idle;
    await this.#writing;
  }

  /** Ends the turn when it has run for as long as it may. */
  #limitTime(): void {
    this.#own(this.#abortable('time', async (signal) => await this.#time.expiry(signal)));
  }

  get #context(): TraceContext {
    const { turnId, turnIndex } = this.#start.scope;
    return { session_id: this.#parts.history.sessionId, turn_id: turnId, turn_index: turnIndex };
  }

  #dispatch(input: TurnInputEvent): void {
    this.#inputs.push(input);
    // Whatever is being waited for in front of it must not keep it from being heard.
    if (input.type === 'cancel') this.#stopping.abort(cancelled(input.reason));
    if (input.type === 'limit' || input.type === 'crashed')
      this.#stopping.abort(cancelled(input.error.message));
    if (!this.#draining) this.#own(this.#drain());
  }

  async #drain(): Promise<null> {
    this.#draining = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined && !this.#over; next = this.#inputs.shift()) {
        const [state, effects] = transition(this.#state, next);
        if (next.type === 'crashed') this.#running.stopAll(next.error.message);
        const isKept = isRecorded(this.#state, next, state) || this.#commits.isLarge(next, state);
        if (isKept) await this.#record(next, effects);
        if (this.#over) break;
        this.#state = state;
        for (const effect of effects) this.#perform(effect);
        this.#suspend();
      }
    } finally {
      this.#draining = false;
    }
    return null;
  }

  /** Ends the run where all that is open is held, and nothing came meanwhile. */
  #suspend(): void {
    for (const { effect, wait } of heldEffects(this.#state))
      if (wait.kind === 'approval' && this.#signals.has(effect))
        this.#inputs.push({ type: 'released', effect });
    const waits = this.#inputs.length > 0 ? null : suspensionOf(this.#state);
    if (waits !== null) this.#end({ kind: 'suspended', waits });
  }

  /** Stores what the machine is told, and which calls start with it; a commit that is under way comes first. */
  async #record(input: TurnInputEvent, effects: readonly TurnEffect[]): Promise<void> {
    const { secrets } = this.#parts;
    await this.#writing;
    if (!this.#isStored) return;
    const calls = effects.filter((effect) => effect.type === 'run-tool');
    const starts = await this.#tools.plan(calls, this.#stopping.signal);
    if (this.#over) return;
    const suspend = effects.find((effect) => effect.type === 'suspend');
    const offered = input.type === 'model-answered' ? [...this.#models.offered.values()] : [];
    const entry: JournalEntry = {
      input: secrets.redactJson(input),
      ...(offered.length === 0 ? {} : { offered }),
      ...(starts.length === 0 ? {} : { started: starts }),
      ...(input.type === 'held' ? {} : this.#start.states?.takeChanges()),
    };
    await this.#write([entry], {
      strict: starts.length > 0,
      ...(suspend === undefined ? {} : { waits: suspend.waits }),
    });
    for (const effect of starts) this.#started.add(effect);
  }

  /** Writes to the journal, for as long as this runtime may. */
  async #write(
    entries: readonly JournalEntry[],
    options: { readonly strict?: boolean; readonly waits?: readonly TurnWait[] },
  ): Promise<void> {
    await this.#storage.run(async () => await this.#journal.add(entries, options));
  }

  #perform(effect: TurnEffect): void {
    switch (effect.type) {
      case 'commit': {
        const commit = this.#commit(effect);
        this.#writing = commit.catch(() => undefined);
        return this.#own(commit);
      }
      case 'collect':
        return this.#own(this.#collect(effect));
      case 'call-model':
        return this.#own(this.#abortable(effect.id, (signal) => this.#models.call(effect, signal)));
      case 'run-tool':
        return this.#tools.perform(effect);
      case 'wait':
        return this.#own(this.#abortable(effect.id, (signal) => this.#wait(effect, signal)));
      case 'stop-model':
        return this.#running.stop(effect.id, effect.reason);
      case 'stop-tools':
        return this.#running.stopAll(effect.reason);
      case 'stop-waiting':
        return this.#running.stop(effect.id, 'stopped');
      case 'emit':
        return this.#emit(effect.activity);
      case 'suspend':
        return; // Once everything was heard that came meanwhile: it may be what the turn waits for, or stop it.
      case 'finish':
        return this.#finish(effect);
    }
  }

  /** The owner of every effect's promise: its value is the next input, its rejection ends the turn, or this run. */
  #own(outcome: Promise<TurnInputEvent | null>): void {
    outcome
      .then((input) => {
        if (input !== null) this.#dispatch(input);
      })
      .catch((error: unknown) => {
        const isLeft = isLashError(error, 'WriterFenced') || (this.#storage.isOver && isPassing(error));
        if (isLeft) this.#end({ kind: 'left', error });
        else this.#dispatch({ type: 'crashed', error: this.#wire(error) });
      });
  }

  async #abortable(
    id: string,
    work: (signal: AbortSignal) => Promise<TurnInputEvent | null>,
  ): Promise<TurnInputEvent | null> {
    // What begins once the turn is being stopped was planned before, or by whoever is gone.
    return await this.#running.run(id, work, this.#state.stop?.reason ?? null);
  }

  async #collect({ id }: Extract<TurnEffect, { type: 'collect' }>): Promise<TurnInputEvent> {
    const inputs = await this.#storage.run(async () => await collectInputs(this.#parts, this.#state));
    return { type: 'collected', effect: id, inputs };
  }

  async #commit(effect: CommitEffect): Promise<TurnInputEvent | null> {
    const { id } = effect;
    await this.#texts.stop();
    await this.#journal.idle;
    try {
      const committed = await this.#commits.make(effect, this.#state);
      this.#isStored = true;
      this.#journal.restart();
      this.#started.clear();
      return { type: 'committed', effect: id, ...committed };
    } catch (error) {
      // Others go on with what was accepted; what was not is refused.
      if (!this.#commits.isLeft(error, effect))
        return { type: 'commit-failed', effect: id, error: this.#wire(error) };
      this.#end({ kind: 'left', error: toLashError(error) });
      return null;
    }
  }

  async #wait(
    effect: Extract<TurnEffect, { type: 'wait' }>,
    signal: AbortSignal,
  ): Promise<TurnInputEvent | null> {
    const ms = Math.max(0, effect.until - this.#parts.clock.now());
    if (ms > LONG_WAIT_MS) {
      const waits = [{ kind: 'rate-limit', until: effect.until }] as const;
      await this.#write([], { waits });
      if (signal.aborted) return null;
      this.#tellWaits(waits);
      this.#end({ kind: 'suspended', waits });
      return null;
    }
    await pause(this.#parts.clock, ms, signal);
    return signal.aborted ? null : { type: 'waited', effect: effect.id };
  }

  #tellWaits(waits: readonly TurnWait[]): void {
    this.#emit({ type: 'turn-waiting', turnId: this.#start.scope.turnId, waits });
  }

  #emit(activity: TurnActivity): void {
    if (this.#over) return;
    this.#parts.feed.emit(activity);
    if (activity.type === 'input-accepted') this.#accepted.resolve();
  }

  #keepText(event: SessionEvent): void {
    if (event.type !== 'text-delta' && event.type !== 'reasoning-delta') return;
    if (event.turnId !== this.#start.scope.turnId || this.#over) return;
    const kind = event.type === 'text-delta' ? 'text' : 'reasoning';
    this.#texts.add({ correlationId: event.correlationId, kind, text: event.text });
  }

  #finish({ end }: Extract<TurnEffect, { type: 'finish' }>): void {
    const { feed, history, tracer } = this.#parts;
    const { turnId } = this.#start.scope;
    const result: TurnResult = { ...end, ...spendingOf(this.#state), leaf: history.head.leaf };
    const status = end.status === 'completed' ? 'completed' : 'failed';
    tracer.write(this.#context, { type: 'turn_completed', status, done_reason: end.reason });
    this.#accepted.reject(
      end.error === undefined ? cancelled('the turn was stopped before it began') : fromWireError(end.error),
    );
    this.#end({ kind: 'finished', result });
    feed.emit({ type: 'turn-finished', turnId, result });
  }

  #end(end: RunEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#unsubscribe();
    this.#storage.stop();
    this.#start.states?.end();
    const why = end.kind === 'left' ? end.error : cancelled('the run is over');
    this.#running.endAll(why);
    this.#stopping.abort(why);
    if (end.kind === 'left') this.#accepted.reject(end.error);
    this.#texts.stop().catch(() => undefined);
    this.#ended.resolve(end);
  }

  #wire(error: unknown): WireError {
    return toWireError(this.#parts.secrets.redactError(error));
  }
}
