import { isLashError, toWireError } from '../../core/error.ts';
import type { TurnWait } from '../../core/turn-wait.ts';
import type { TurnEffect } from '../../turn/effect.ts';
import type { TurnInputEvent } from '../../turn/input.ts';
import type { TurnState } from '../../turn/state.ts';
import { answerText, readAnswer } from '../model/answer-check.ts';
import type { Misfit, ModelCaller, ModelOutcome, SessionParts, TurnScope } from '../model/model-caller.ts';
import { hasProvider } from '../model/resolve-provider.ts';
import { waitOf } from './model-wait.ts';
import { pause } from './patient-storage.ts';

type Answered = Extract<ModelOutcome, { readonly type: 'model-answered' }>;

/** A wait that is longer than this is stored, and the lease is given back, in milliseconds. */
export const LONG_WAIT_MS = 10_000;

/** The turn that calls. */
interface CallingTurn {
  readonly scope: TurnScope;
  /** Where it stood when this runtime began to run it. */
  readonly state: TurnState;
  /** Names of page tools that the model was offered for the answer that the turn goes on from. */
  readonly pageTools: ReadonlySet<string>;
}

/** Makes a turn's model calls, once they may be made; a call that somebody else has to make possible is held. */
export class ModelCalls {
  readonly #parts: SessionParts;
  readonly #caller: ModelCaller;
  readonly #scope: TurnScope;
  /** Whether somebody else began the turn. */
  readonly #isResumed: boolean;
  readonly #pageTools: Set<string>;
  /** What the next call is to mend. */
  #misfit: Misfit | null = null;
  #repaired = false;

  constructor(parts: SessionParts, caller: ModelCaller, { scope, state, pageTools }: CallingTurn) {
    this.#pageTools = new Set(pageTools);
    this.#parts = parts;
    this.#caller = caller;
    this.#scope = scope;
    this.#isResumed = state.phase.name !== 'new';
  }

  /** The names of tools that the model was offered last and that belong to a page. */
  get pageTools(): ReadonlySet<string> {
    return this.#pageTools;
  }

  /** Resolves with what the machine is to be told. */
  async call(
    effect: Extract<TurnEffect, { readonly type: 'call-model' }>,
    signal: AbortSignal,
  ): Promise<TurnInputEvent> {
    const { clock, rates } = this.#parts;
    const { policy } = this.#scope;
    const { id } = policy.provider;
    this.#pageTools.clear();
    for (const tool of this.#parts.tools()) if (tool.offeredByPage === true) this.#pageTools.add(tool.name);
    const held = (wait: TurnWait): TurnInputEvent => ({
      type: 'held',
      effect: effect.id,
      wait,
      at: clock.now(),
    });
    const until = rates.until(id);
    const left = until - clock.now();
    if (left > LONG_WAIT_MS) return held({ kind: 'rate-limit', until });
    if (left > 0) await pause(clock, left, signal);
    // Of a turn that is only beginning, whoever began it is told that there is no such provider.
    const hasBegun = this.#isResumed || effect.step > 0 || effect.attempt > 1;
    if (hasBegun && !hasProvider(this.#parts.providers(), id))
      return held({ kind: 'provider', provider: id });
    const input = await this.#caller.call(effect, this.#scope, signal, this.#misfit);
    this.#misfit = null;
    if (input.type === 'model-answered') return await this.#read(input);
    if (input.type === 'model-stopped') return input;
    const { retryAfterMs } = input.error.data;
    if (typeof retryAfterMs === 'number') rates.note(id, clock.now() + retryAfterMs);
    const wait = waitOf(input.error, policy, this.#parts.online());
    return wait === null ? input : held(wait);
  }

  /** Of a final answer what it says, where the turn asked for data; one that does not fit may be made again, once. */
  async #read(input: Answered): Promise<TurnInputEvent> {
    const { answer: schema } = this.#scope;
    const { answer, effect, at } = input;
    const isFinal = answer.finish === 'stop' && !answer.parts.some(({ type }) => type === 'tool-call');
    if (schema === undefined || !isFinal) return input;
    const text = answerText(answer);
    try {
      return { ...input, value: await readAnswer(text, schema) };
    } catch (cause) {
      const error = this.#parts.secrets.redactError(cause);
      const isRepaired = isLashError(error, 'AnswerInvalid') && !this.#repaired;
      if (isRepaired) {
        this.#repaired = true;
        this.#misfit = { text, reason: error.data.reason };
      }
      return {
        type: 'model-failed',
        effect,
        error: { ...toWireError(error), retryable: isRepaired },
        answer,
        at,
      };
    }
  }
}
