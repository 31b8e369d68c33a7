import type { ToolContext } from '../../contract/tool.ts';
import type { TraceContext } from '../../contract/trace.ts';
import { fromWireError, LashError, toWireError, type WireError } from '../../core/error.ts';
import type { TurnActivity } from '../../core/event.ts';
import type { NodeDraft } from '../../core/node.ts';
import type { ToolOutcome } from '../../core/tool-call.ts';
import type { TurnResult } from '../../core/turn-result.ts';
import type { TurnEffect } from '../../turn/effect.ts';
import type { TurnInputEvent } from '../../turn/input.ts';
import { newTurn, transition } from '../../turn/machine.ts';
import type { TurnState } from '../../turn/state.ts';
import { Deferred } from '../deferred.ts';
import type { ModelCaller, SessionParts } from '../model/model-caller.ts';
import { dispatchTool } from './tool-dispatch.ts';
import type { TurnPlan } from './turn-plan.ts';

/**
 * Drives one turn: feeds the machine with inputs, one at a time, and performs the effects it asks for. The only place
 * that waits on behalf of a turn.
 *
 * - TR-1 Every effect that fails in an unforeseen way ends the turn as failed; none is left without an answer (law TU6),
 *   and none outlives the turn.
 * - TR-2 Memory and events follow a completed commit (law ST14), since `committed` is the answer to it.
 */
export class TurnRun {
  readonly #plan: TurnPlan;
  readonly #parts: SessionParts;
  readonly #caller: ModelCaller;
  readonly #inputs: TurnInputEvent[] = [];
  readonly #aborts = new Map<string, AbortController>();
  readonly #accepted = new Deferred<void>();
  readonly #result = new Deferred<TurnResult>();
  #state: TurnState;
  #draining = false;
  #commits: Promise<unknown> = Promise.resolve();

  constructor(plan: TurnPlan, parts: SessionParts, caller: ModelCaller) {
    this.#plan = plan;
    this.#parts = parts;
    this.#caller = caller;
    this.#state = newTurn(plan.config, plan.from);
    // Whoever does not wait for acceptance hears of a refusal by `turn-finished`.
    this.#accepted.promise.catch(() => undefined);
  }

  /** Resolves once the input is stored; rejects if it could not be. */
  get accepted(): Promise<void> {
    return this.#accepted.promise;
  }

  /** How the turn ended. It never rejects. */
  get result(): Promise<TurnResult> {
    return this.#result.promise;
  }

  start(): void {
    const metadata = { input_item_count: this.#plan.input === null ? 0 : inputParts(this.#plan.input) };
    this.#parts.tracer.write(this.#context, { type: 'turn_started', metadata });
    this.#dispatch({ type: 'start', input: this.#plan.input });
  }

  /** Asks the turn to stop; how it ended says who was first (law TU5). */
  cancel(reason: string): void {
    this.#dispatch({ type: 'cancel', reason });
  }

  /** Ends the turn with this error, if it has not ended, and resolves when it writes no more. */
  async fail(error: unknown): Promise<void> {
    this.#dispatch({ type: 'crashed', error: this.#wire(error) });
    await this.#commits;
  }

  get #context(): TraceContext {
    const { turnId, turnIndex } = this.#plan;
    return { session_id: this.#parts.history.sessionId, turn_id: turnId, turn_index: turnIndex };
  }

  #dispatch(input: TurnInputEvent): void {
    this.#inputs.push(input);
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        const [state, effects] = transition(this.#state, next);
        this.#state = state;
        for (const effect of effects) this.#perform(effect);
      }
    } finally {
      this.#draining = false;
    }
  }

  #perform(effect: TurnEffect): void {
    switch (effect.type) {
      case 'commit': {
        const commit = this.#commit(effect);
        this.#commits = commit;
        return this.#own(commit);
      }
      case 'call-model':
        return this.#own(
          this.#abortable(effect.id, (signal) => this.#caller.call(effect, this.#plan, signal)),
        );
      case 'run-tool':
        return this.#own(this.#abortable(effect.id, (signal) => this.#runTool(effect, signal)));
      case 'wait':
        return this.#own(this.#abortable(effect.id, (signal) => this.#wait(effect, signal)));
      case 'stop-model':
        return this.#aborts.get(effect.id)?.abort(cancelled(effect.reason));
      case 'stop-tools':
        return this.#abortAll(effect.reason);
      case 'stop-waiting':
        return this.#aborts.get(effect.id)?.abort(cancelled('stopped'));
      case 'emit':
        return this.#emit(effect.activity);
      case 'finish':
        return this.#finish(effect);
    }
  }

  /** The owner of every effect's promise: its value is the next input, its rejection ends the turn. */
  #own(outcome: Promise<TurnInputEvent | null>): void {
    outcome
      .then((input) => {
        if (input !== null) this.#dispatch(input);
      })
      .catch((error: unknown) => this.#dispatch({ type: 'crashed', error: this.#wire(error) }));
  }

  async #abortable(
    id: string,
    run: (signal: AbortSignal) => Promise<TurnInputEvent | null>,
  ): Promise<TurnInputEvent | null> {
    const abort = new AbortController();
    this.#aborts.set(id, abort);
    try {
      return await run(abort.signal);
    } finally {
      this.#aborts.delete(id);
    }
  }

  async #commit(effect: Extract<TurnEffect, { type: 'commit' }>): Promise<TurnInputEvent> {
    const { id, operationId, parent, nodes, usage, accept } = effect;
    const durability = accept ? ({ durability: 'strict' } as const) : {};
    try {
      const { leaf } = await this.#parts.history.append({ operationId, parent, nodes, usage, ...durability });
      return { type: 'committed', effect: id, leaf: nodes.length === 0 ? parent : leaf };
    } catch (error) {
      return { type: 'commit-failed', effect: id, error: this.#wire(error) };
    }
  }

  async #runTool(
    effect: Extract<TurnEffect, { type: 'run-tool' }>,
    signal: AbortSignal,
  ): Promise<TurnInputEvent> {
    const { clock, secrets, tracer, history, attachments } = this.#parts;
    const { id, call } = effect;
    const { callId, tool: name, args } = call;
    const startedAt = clock.now();
    tracer.write(this.#context, { type: 'tool_call_started', call_id: callId, name, args });
    const context: ToolContext = {
      sessionId: history.sessionId,
      turnId: this.#plan.turnId,
      callId,
      signal,
      attachments: this.#caller.shownAttachments,
      attachmentStore: attachments,
    };
    const outcome = await dispatchTool(call, this.#parts.tools(), context, secrets);
    const at = clock.now();
    const output = { outcome: { status: outcome.status, payload: payloadOf(outcome) } };
    const duration_ms = at - startedAt;
    tracer.write(this.#context, {
      type: 'tool_call_completed',
      call_id: callId,
      name,
      args,
      output,
      duration_ms,
    });
    return { type: 'tool-finished', effect: id, outcome, durationMs: duration_ms, at };
  }

  async #wait(
    effect: Extract<TurnEffect, { type: 'wait' }>,
    signal: AbortSignal,
  ): Promise<TurnInputEvent | null> {
    try {
      await this.#parts.clock.sleep(effect.ms, signal);
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
    return { type: 'waited', effect: effect.id };
  }

  #emit(activity: TurnActivity): void {
    this.#parts.feed.emit(activity);
    if (activity.type === 'input-accepted') this.#accepted.resolve();
  }

  #finish({ end, usage }: Extract<TurnEffect, { type: 'finish' }>): void {
    const { feed, history, tracer } = this.#parts;
    this.#abortAll('the turn is over');
    const result: TurnResult = { ...end, usage, leaf: history.head.leaf };
    const status = end.status === 'completed' ? 'completed' : 'failed';
    tracer.write(this.#context, { type: 'turn_completed', status, done_reason: end.reason });
    feed.emit({ type: 'turn-finished', turnId: this.#plan.turnId, result });
    this.#accepted.reject(
      end.error === undefined ? cancelled('the turn was stopped before it began') : fromWireError(end.error),
    );
    this.#result.resolve(result);
  }

  #abortAll(reason: string): void {
    for (const abort of this.#aborts.values()) abort.abort(cancelled(reason));
  }

  #wire(error: unknown): WireError {
    return toWireError(this.#parts.secrets.redactError(error));
  }
}

function cancelled(reason: string): LashError<'Cancelled'> {
  return new LashError('Cancelled', `Stopped: ${reason}`, { reason });
}

function payloadOf(outcome: ToolOutcome): ToolOutcomePayload {
  if (outcome.status === 'success') return outcome.value;
  if (outcome.status === 'failure') return { code: outcome.code, message: outcome.message };
  return { message: outcome.message };
}

type ToolOutcomePayload = Extract<ToolOutcome, { status: 'success' }>['value'];

function inputParts(input: NodeDraft): number {
  return input.body.kind === 'conversation' ? input.body.message.parts.length : 0;
}
