import type { Clock } from '../../contract/clock.ts';
import { describeError, fromWireError, isLashError, toWireError } from '../../core/error.ts';
import type { TurnWait } from '../../core/turn-wait.ts';
import type { TurnEffect } from '../../turn/effect.ts';
import type { TurnInputEvent } from '../../turn/input.ts';
import type { ModelAnswer, TurnState } from '../../turn/state.ts';
import { endWith } from '../children/end-with.ts';
import { answerText, type Misfit, misfitIn, readAnswer } from '../model/answer-check.ts';
import type {
  CallBounds,
  ModelCaller,
  ModelOutcome,
  SessionParts,
  TurnScope,
} from '../model/model-caller.ts';
import type { OfferedTool } from '../model/offered-tools.ts';
import { hasProvider } from '../model/resolve-provider.ts';
import { waitOf } from './model-wait.ts';
import { isPassing, pause, type PatientStorage } from './patient-storage.ts';

type ModelEffect = Extract<TurnEffect, { readonly type: 'call-model' }>;
type Held = Extract<TurnInputEvent, { readonly type: 'held' }>;
/** What the machine may be told of a call. */
type Told = ModelOutcome | Held;
type Answered = Extract<ModelOutcome, { readonly type: 'model-answered' }>;

/** A wait that is longer than this is stored, and the lease is given back, in milliseconds. */
export const LONG_WAIT_MS = 10_000;

/** The turn that calls. */
interface CallingTurn {
  readonly scope: TurnScope;
  /** Where it stood when this runtime began to run it. */
  readonly state: TurnState;
  /** Whether its input waited in the queue. */
  readonly isQueued: boolean;
  /** The tools that the answer called from which the turn goes on, as the model was offered them. */
  readonly offered: ReadonlyMap<string, OfferedTool>;
  /** What did not fit in that answer. */
  readonly misfit: Misfit | null;
  /** Effects that whoever ran the turn before may have performed. */
  readonly again: ReadonlySet<string>;
}

/** Makes a turn's model calls, once they may be made; a call that somebody else has to make possible is held. */
export class ModelCalls {
  readonly #parts: SessionParts;
  readonly #caller: ModelCaller;
  readonly #scope: TurnScope;
  /** Whether nobody waits for the turn to begin: somebody else began it, or its input was queued. */
  readonly #isAccepted: boolean;
  readonly #storage: PatientStorage;
  readonly #offered: Map<string, OfferedTool>;
  /** What the next call is to mend, until one was answered. */
  #misfit: Misfit | null;
  #repaired: boolean;
  /** Calls that were performed already: those of whoever ran the turn before, and those that were held. */
  readonly #again: Set<string>;

  constructor(parts: SessionParts, caller: ModelCaller, storage: PatientStorage, turn: CallingTurn) {
    const { scope, state, isQueued, offered, misfit, again } = turn;
    this.#again = new Set(again);
    this.#offered = new Map(offered);
    this.#misfit = misfit;
    this.#repaired = misfit !== null;
    this.#parts = parts;
    this.#caller = caller;
    this.#scope = scope;
    this.#isAccepted = isQueued || state.phase.name !== 'new';
    this.#storage = storage;
  }

  /** What the model was offered of the tools that its last answer called, by name. */
  get offered(): ReadonlyMap<string, OfferedTool> {
    return this.#offered;
  }

  /** Resolves with what the machine is to be told. */
  async call(effect: ModelEffect, signal: AbortSignal): Promise<TurnInputEvent> {
    const { turnId, policy } = this.#scope;
    const children = this.#parts.children.of({
      turnId,
      effect: effect.id,
      isAgain: this.#again.has(effect.id),
      mayHandOff: false,
      leaf: effect.leaf,
      policy,
      signal,
      storage: this.#storage,
    });
    const [input, { spent }] = await endWith(children, this.#attempt(effect, { signal, children }));
    // It is made again, and what its children used by now counts once.
    if (input.type === 'held') this.#again.add(effect.id);
    return spent === undefined ? input : { ...input, spent };
  }

  /** Makes the call, if it may be made. */
  async #attempt(effect: ModelEffect, within: CallBounds): Promise<Told> {
    const { clock, rates } = this.#parts;
    const { id } = this.#scope.policy.provider;
    const held = (wait: TurnWait): Held => ({ type: 'held', effect: effect.id, wait, at: clock.now() });
    const until = rates.until(id);
    const left = until - clock.now();
    if (left > this.#parts.environment.limits.retries.retryAfterCapMs)
      return refused(effect, id, left, clock);
    if (left > LONG_WAIT_MS) return held({ kind: 'rate-limit', until });
    if (left > 0) await pause(clock, left, within.signal);
    // Of a turn that is only beginning, whoever began it is told that there is no such provider.
    const hasBegun = this.#isAccepted || effect.step > 0 || effect.attempt > 1;
    if (hasBegun && !hasProvider(this.#parts.providers(), id))
      return held({ kind: 'provider', provider: id });
    return await this.#judged(await this.#make(effect, within));
  }

  /** What the machine is told of a call that was made. */
  async #judged(input: ModelOutcome): Promise<Told> {
    const { clock, rates } = this.#parts;
    const { policy } = this.#scope;
    const { id } = policy.provider;
    if (input.type === 'model-answered') {
      this.#noteOffered(input);
      return await this.#read(input);
    }
    if (input.type === 'model-stopped') return input;
    const { retryAfterMs } = input.error.data;
    if (typeof retryAfterMs === 'number') rates.note(id, clock.now() + retryAfterMs);
    const wait = waitOf(input.error, policy, this.#parts.online());
    return wait === null ? input : { type: 'held', effect: input.effect, wait, at: clock.now() };
  }

  /** The call, as soon as storage gives what it is to show the model (law ST17), or the turn is stopped. */
  async #make(effect: ModelEffect, within: CallBounds): Promise<ModelOutcome> {
    let failed: ModelOutcome | undefined;
    try {
      return await this.#storage.run(async () => {
        const outcome = await this.#caller.call(effect, this.#scope, within, this.#misfit);
        const error = outcome.type === 'model-failed' ? fromWireError(outcome.error) : null;
        if (!isPassing(error)) return outcome;
        failed = outcome;
        throw error;
      }, within.signal);
    } catch (error) {
      if (failed === undefined || !isPassing(error)) throw error;
      return failed;
    }
  }

  #noteOffered({ answer }: Answered): void {
    const called = new Set(answer.parts.map((part) => (part.type === 'tool-call' ? part.tool : null)));
    this.#offered.clear();
    for (const tool of this.#caller.offered) if (called.has(tool.name)) this.#offered.set(tool.name, tool);
  }

  /** Of a final answer what it says, where the turn asked for data; one that does not fit may be made again, once. */
  async #read(input: Answered): Promise<ModelOutcome> {
    const { answer: schema } = this.#scope;
    const { answer, effect, at } = input;
    this.#misfit = null;
    if (schema === undefined || !this.#isFinal(answer)) return input;
    const text = answerText(answer);
    try {
      return { ...input, value: await readAnswer(text, schema) };
    } catch (cause) {
      const error = this.#parts.secrets.redactError(cause);
      const isRepaired = isLashError(error, 'AnswerInvalid') && !this.#repaired;
      const wire = { ...toWireError(error), retryable: isRepaired };
      const failed = { type: 'model-failed', effect, error: wire, answer, at } as const;
      if (isRepaired) this.#misfit = misfitIn(failed);
      this.#repaired ||= isRepaired;
      return failed;
    }
  }

  /** Whether the turn completes with an answer. */
  #isFinal({ finish, parts }: ModelAnswer): boolean {
    const { treatMissingDoneAsFailure } = this.#parts.environment.termination;
    if (finish === 'length' || finish === 'content-filter') return false;
    if (finish === 'missing' && treatMissingDoneAsFailure) return false;
    return !parts.some(({ type }) => type === 'tool-call');
  }
}

/** A call that a provider told others it would not take, for longer than is waited for: it fails as theirs did. */
function refused({ id: effect }: ModelEffect, provider: string, left: number, clock: Clock): Told {
  const message = `The provider ${provider} takes no call for another ${left} ms, as it said.`;
  const error = describeError('ProviderRateLimited', message, { status: 429, retryAfterMs: left });
  return { type: 'model-failed', effect, error, at: clock.now() };
}
