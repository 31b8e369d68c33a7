import { isLashError, toWireError } from '../../core/error.ts';
import type { TurnWait } from '../../core/turn-wait.ts';
import type { TurnEffect } from '../../turn/effect.ts';
import type { TurnInputEvent } from '../../turn/input.ts';
import { answerText, readAnswer } from '../model/answer-check.ts';
import type { Misfit, ModelCaller, ModelOutcome, SessionParts, TurnScope } from '../model/model-caller.ts';
import type { OfferedTool } from '../model/offered-tools.ts';
import { waitOf } from './model-wait.ts';
import { pause } from './patient-storage.ts';

type Answered = Extract<ModelOutcome, { readonly type: 'model-answered' }>;

/** A wait that is longer than this is stored, and the lease is given back, in milliseconds. */
export const LONG_WAIT_MS = 10_000;

/** Makes a turn's model calls, once they may be made; a call that somebody else has to make possible is held. */
export class ModelCalls {
  readonly #parts: SessionParts;
  readonly #caller: ModelCaller;
  readonly #scope: TurnScope;
  readonly #offered: Map<string, OfferedTool>;
  /** What the next call is to mend. */
  #misfit: Misfit | null = null;
  #repaired = false;

  /** `offered`: the tools that the answer called from which the turn goes on. */
  constructor(
    parts: SessionParts,
    caller: ModelCaller,
    scope: TurnScope,
    offered: ReadonlyMap<string, OfferedTool>,
  ) {
    this.#offered = new Map(offered);
    this.#parts = parts;
    this.#caller = caller;
    this.#scope = scope;
  }

  /** What the model was offered of the tools that its last answer called, by name. */
  get offered(): ReadonlyMap<string, OfferedTool> {
    return this.#offered;
  }

  /** Resolves with what the machine is to be told. */
  async call(
    effect: Extract<TurnEffect, { readonly type: 'call-model' }>,
    signal: AbortSignal,
  ): Promise<TurnInputEvent> {
    const { clock, rates } = this.#parts;
    const { policy } = this.#scope;
    const { id } = policy.provider;
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
    const input = await this.#caller.call(effect, this.#scope, signal, this.#misfit);
    this.#misfit = null;
    if (input.type === 'model-answered') {
      this.#noteOffered(input);
      return await this.#read(input);
    }
    if (input.type === 'model-stopped') return input;
    const { retryAfterMs } = input.error.data;
    if (typeof retryAfterMs === 'number') rates.note(id, clock.now() + retryAfterMs);
    const wait = waitOf(input.error, policy, this.#parts.online());
    return wait === null ? input : held(wait);
  }

  #noteOffered({ answer }: Answered): void {
    const called = new Set(answer.parts.map((part) => (part.type === 'tool-call' ? part.tool : null)));
    this.#offered.clear();
    for (const tool of this.#caller.offered) if (called.has(tool.name)) this.#offered.set(tool.name, tool);
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
