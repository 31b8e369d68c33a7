import type { Tool, ToolContext } from '../../contract/tool.ts';
import type { TraceContext } from '../../contract/trace.ts';
import type { JsonValue } from '../../core/json.ts';
import { refuseNonData } from '../../core/plain-data.ts';
import type { ToolOutcome } from '../../core/tool-call.ts';
import type { ApprovalDecision, TurnWait } from '../../core/turn-wait.ts';
import type { UsageEntry } from '../../core/usage.ts';
import type { TurnEffect } from '../../turn/effect.ts';
import type { TurnInputEvent } from '../../turn/input.ts';
import { heldEffects, stepOfTool } from '../../turn/open-effects.ts';
import type { CallChildren, ChildCall, ChildReport } from '../children/child-call.ts';
import { endWith } from '../children/end-with.ts';
import type { ModelCaller, SessionParts } from '../model/model-caller.ts';
import type { OfferedTool } from '../model/offered-tools.ts';
import { outcomeRecord } from '../outcome-record.ts';
import type { TurnHooks } from '../plugins/turn-hooks.ts';
import { keptOutcome } from './kept-outcome.ts';
import type { PatientStorage } from './patient-storage.ts';
import type { RunStart } from './run-start.ts';
import { needsApproval, type ReadyCall, readyCall, runCall, settled } from './tool-dispatch.ts';
import { failure, failureOf } from './tool-failure-outcome.ts';
import { type ArgsOrAsk, prepared, ruled } from './tool-rulings.ts';

type RunTool = Extract<TurnEffect, { readonly type: 'run-tool' }>;

/** What is to become of a call: it waits, its outcome is known, or it runs. */
type Plan =
  | { readonly kind: 'held'; readonly wait: TurnWait }
  | { readonly kind: 'known'; readonly outcome: ToolOutcome }
  | { readonly kind: 'ready'; readonly call: ReadyCall };

/** What the calls of a turn need from it. */
export interface CallHost {
  /** What this runtime began to run the turn with. */
  readonly start: RunStart;
  readonly trace: TraceContext;
  /** What others told the turn, by signal. */
  readonly signals: ReadonlyMap<string, JsonValue>;
  /** Effects of calls that somebody started before. */
  readonly started: ReadonlySet<string>;
  /** What the model was offered of the tools that it called, by name. */
  readonly offered: ReadonlyMap<string, OfferedTool>;
  /** Stores that these calls may have done something from here on; a side effect comes after it. */
  record(started: readonly string[]): Promise<void>;
  readonly storage: PatientStorage;
  /** Runs `work` under a signal that stops with the turn, and tells the machine what comes of it. */
  perform(effect: string, work: (signal: AbortSignal) => Promise<TurnInputEvent | null>): void;
}

/**
 * Runs a turn's tool calls: who may start, when, and again or not (rules TL1 to TL9, law TU3).
 */
export class ToolCalls {
  readonly #parts: SessionParts;
  readonly #caller: ModelCaller;
  readonly #host: CallHost;
  readonly #plans = new Map<string, Plan>();
  /** Calls of serial tools, in call order. */
  readonly #serial: RunTool[] = [];
  /** With which arguments calls run about which somebody was asked. */
  readonly #asked = new Map<string, JsonValue>();
  /** What child sessions used that plugins asked for before their calls, by effect. */
  readonly #spent = new Map<string, readonly UsageEntry[]>();
  #running = 0;

  constructor(parts: SessionParts, caller: ModelCaller, host: CallHost) {
    this.#parts = parts;
    this.#caller = caller;
    this.#host = host;
    for (const { effect, wait } of heldEffects(host.start.state))
      if (wait.kind === 'approval') this.#asked.set(effect, wait.args);
  }

  /**
   * Finds out what is to become of calls that are about to be asked for; answers those that start at once. Nothing that a
   * tool says is waited for once `signal` aborted.
   */
  async plan(effects: readonly RunTool[], signal: AbortSignal): Promise<readonly string[]> {
    const starting: string[] = [];
    for (const effect of effects) {
      const plan = await this.#planOne(effect, signal);
      this.#plans.set(effect.id, plan);
      if (plan.kind === 'ready' && !isSerial(plan.call.tool)) starting.push(effect.id);
    }
    return starting;
  }

  /** Performs a call; one that was not planned with others is planned, and its start stored, first. */
  perform(effect: RunTool): void {
    const plan = this.#plans.get(effect.id);
    if (plan === undefined) return this.#performAlone(effect);
    this.#plans.delete(effect.id);
    this.#begin(effect, plan, false);
  }

  #performAlone(effect: RunTool): void {
    this.#host.perform(effect.id, async (signal) => {
      const plan = await this.#planOne(effect, signal);
      this.#begin(effect, plan, !this.#host.started.has(effect.id));
      return null;
    });
  }

  async #planOne({ id, call }: RunTool, signal: AbortSignal): Promise<Plan> {
    const bounds = { signal, clock: this.#parts.clock };
    const { callId, tool: name, args } = call;
    const decision = this.#host.signals.get(id) as ApprovalDecision | undefined;
    if (decision?.approve === false) {
      const reason = decision.reason === undefined ? '' : `: ${decision.reason}`;
      return {
        kind: 'known',
        outcome: failure('ToolDenied', `It was decided that it must not run${reason}`),
      };
    }
    let tool = this.#tool(name);
    if (tool === undefined) {
      const failed = await this.#prepareTools(id, call, signal);
      if (failed !== undefined) return { kind: 'known', outcome: failed };
      tool = this.#tool(name);
    }
    const offered = this.#host.offered.get(name);
    const wasStarted = this.#host.started.has(id);
    const mayStart = !wasStarted || offered?.replay === 'safe';
    if (tool === undefined && offered?.offeredByPage === true && mayStart)
      return { kind: 'held', wait: { kind: 'page-tool', callId, tool: name } };
    // What was approved runs, and nothing else.
    const asked = decision === undefined ? undefined : this.#asked.get(id);
    const mayRule = asked === undefined && (!wasStarted || tool?.replay === 'safe');
    const ruling = mayRule
      ? await this.#ruling(id, call, signal)
      : ({ kind: 'args', args: asked ?? args } as const);
    // Of one about which somebody was asked, that was counted then.
    if (!mayRule && asked === undefined) await this.#countRuling(id, call, signal);
    if ('status' in ruling) return { kind: 'known', outcome: ruling };
    const ruled = ruling.kind === 'args' ? ruling.args : args;
    const ready = await readyCall(
      { ...call, args: ruled },
      tool,
      offered,
      async (...pair) => await this.#caller.isOffered(...pair),
      bounds,
    );
    // Whoever started it is gone (law TU3).
    if (wasStarted && ('status' in ready || ready.tool.replay !== 'safe'))
      return { kind: 'known', outcome: unknown() };
    if ('status' in ready) return { kind: 'known', outcome: ready };
    if (decision !== undefined || wasStarted) return { kind: 'ready', call: ready };
    const needed = ruling.kind === 'ask' || (await needsApproval(ready, bounds));
    if (needed === false) return { kind: 'ready', call: ready };
    if (needed !== true) return { kind: 'known', outcome: needed };
    const requestId = `${this.#host.start.scope.turnId}/${id}`;
    this.#asked.set(id, ruled);
    return { kind: 'held', wait: { kind: 'approval', requestId, callId, tool: name, args: ruled } };
  }

  #tool(name: string): Tool | undefined {
    return this.#parts.tools().find((known) => known.name === name);
  }

  /** Lets the plugins get the tool of a call that is not there; what it fails with where they cannot. */
  async #prepareTools(
    id: string,
    call: RunTool['call'],
    signal: AbortSignal,
  ): Promise<ToolOutcome | undefined> {
    const children = this.#childrenBefore(id, call, signal, 'tools');
    const [failed, { spent }] = await endWith(children, prepared(this.#hooks(id, signal, children)));
    this.#noteSpent(id, spent);
    return failed;
  }

  /** How the plugins rule on a call: with which arguments it runs, or its outcome where it does not. */
  async #ruling(id: string, call: RunTool['call'], signal: AbortSignal): Promise<ToolOutcome | ArgsOrAsk> {
    const children = this.#childrenBefore(id, call, signal);
    const hooks = this.#hooks(id, signal, children);
    const [ruling, { spent }] = await endWith(children, ruled(hooks, call));
    this.#noteSpent(id, spent);
    return ruling;
  }

  /** Counts what children used that plugins asked for before the call, where they are not asked again. */
  async #countRuling(id: string, call: RunTool['call'], signal: AbortSignal): Promise<void> {
    const { spent } = await this.#childrenBefore(id, call, signal).end();
    this.#noteSpent(id, spent);
  }

  #noteSpent(id: string, spent: readonly UsageEntry[] = []): void {
    if (spent.length > 0) this.#spent.set(id, [...(this.#spent.get(id) ?? []), ...spent]);
  }

  /** What the plugins make of an outcome. One of a turn that is being stopped stays as it is. */
  async #reviewed(
    { id, call }: RunTool,
    outcome: ToolOutcome,
    signal: AbortSignal,
    children: CallChildren,
  ): Promise<ToolOutcome> {
    const hooks = signal.aborted ? undefined : this.#hooks(id, signal, children);
    if (hooks === undefined) return outcome;
    try {
      return settled(await hooks.afterToolCall(call, outcome), this.#parts.secrets);
    } catch (error) {
      return signal.aborted ? outcome : settled(failureOf(error), this.#parts.secrets);
    }
  }

  #hooks(id: string, signal: AbortSignal, { sessions }: CallChildren): TurnHooks | undefined {
    const { turnId } = this.#host.start.scope;
    return this.#parts.plugins?.of({ turnId, step: stepOfTool(id), signal, sessions });
  }

  #childrenBefore(
    id: string,
    call: RunTool['call'],
    signal: AbortSignal,
    part: 'before' | 'tools' = 'before',
  ): CallChildren {
    return this.#parts.children.of({
      ...this.#childCall(id, call, signal),
      effect: `${id}/${part}`,
      mayHandOff: false,
    });
  }

  #childCall(id: string, { callId }: RunTool['call'], signal: AbortSignal): ChildCall {
    const { start, storage } = this.#host;
    const { turnId, policy } = start.scope;
    const { leaf } = this.#parts.history.head;
    const isAgain = start.again.has(id);
    return { turnId, effect: id, callId, isAgain, mayHandOff: true, leaf, policy, signal, storage };
  }

  #begin(effect: RunTool, plan: Plan, alone: boolean): void {
    const { id } = effect;
    switch (plan.kind) {
      case 'held':
        return this.#held(id, plan.wait);
      case 'known':
        return this.#known(effect, plan.outcome);
      case 'ready':
        if (isSerial(plan.call.tool)) {
          this.#plans.set(id, plan);
          this.#serial.push(effect);
          // The others of its step are begun within this task.
          return queueMicrotask(() => this.#next());
        }
        return this.#run(effect, plan.call, alone);
    }
  }

  #run(effect: RunTool, call: ReadyCall, record: boolean): void {
    this.#running++;
    this.#host.perform(effect.id, async (signal) => {
      try {
        if (record && !signal.aborted) await this.#host.record([effect.id]);
        return await this.#execute(effect, call, signal);
      } finally {
        this.#running--;
        this.#next();
      }
    });
  }

  /** The next call of a serial tool, once nothing else runs (rule TL3). */
  #next(): void {
    if (this.#running > 0) return;
    const effect = this.#serial.shift();
    const plan = effect === undefined ? undefined : this.#plans.get(effect.id);
    if (effect === undefined || plan?.kind !== 'ready') return;
    this.#plans.delete(effect.id);
    this.#run(effect, plan.call, true);
  }

  async #execute(effect: RunTool, ready: ReadyCall, signal: AbortSignal): Promise<TurnInputEvent> {
    const { id, call } = effect;
    const { clock, secrets, tracer, history, attachments, feed, tasks } = this.#parts;
    const { callId, tool: name, args } = call;
    const startedAt = clock.now();
    tracer.write(this.#host.trace, { type: 'tool_call_started', call_id: callId, name, args });
    const { turnId } = this.#host.start.scope;
    const children = this.#parts.children.of(this.#childCall(id, call, signal));
    const context: ToolContext = {
      sessionId: history.sessionId,
      turnId,
      callId,
      signal,
      attachments: await this.#host.storage.run(
        async () => await this.#caller.shownAttachments(this.#host.start.scope),
      ),
      attachmentStore: attachments,
      tasks,
      sessions: children.sessions,
      progress: (data) => {
        refuseNonData(data, 'progress');
        const progress = secrets.redactJson(structuredClone(data));
        if (!signal.aborted) feed.emit({ type: 'tool-progress', turnId, callId, progress });
      },
    };
    const done = this.#done(effect, ready, context, children);
    const [outcome, report] = await endWith(children, done);
    return this.#finished(id, call, await this.#kept(outcome, signal), startedAt, report);
  }

  async #done(
    effect: RunTool,
    ready: ReadyCall,
    context: ToolContext,
    children: CallChildren,
  ): Promise<ToolOutcome> {
    const { secrets, clock, plugins } = this.#parts;
    const run = async (): Promise<ToolOutcome> => await runCall(ready, context, secrets, clock);
    const outcome = await (plugins?.duringTool(ready.tool, run) ?? run());
    return await this.#reviewed(effect, outcome, context.signal, children);
  }

  /** What is kept of an outcome; one that cannot be is a failure. */
  async #kept(outcome: ToolOutcome, signal: AbortSignal): Promise<ToolOutcome> {
    try {
      return await this.#host.storage.run(async () => await keptOutcome(outcome, this.#parts), signal);
    } catch (error) {
      return settled(failureOf(error), this.#parts.secrets);
    }
  }

  #known({ id, call }: RunTool, outcome: ToolOutcome): void {
    const { secrets, clock, tracer } = this.#parts;
    const { callId, tool: name, args } = call;
    tracer.write(this.#host.trace, { type: 'tool_call_started', call_id: callId, name, args });
    this.#host.perform(id, async (signal) => {
      // Who ran it before may have left children.
      const report = await this.#parts.children.of(this.#childCall(id, call, signal)).end();
      return this.#finished(id, call, settled(outcome, secrets), clock.now(), report);
    });
  }

  #held(id: string, wait: TurnWait): void {
    const spent = this.#spent.get(id);
    this.#spent.delete(id);
    const at = this.#parts.clock.now();
    const held = { type: 'held', effect: id, wait, at, ...(spent === undefined ? {} : { spent }) } as const;
    this.#host.perform(id, async () => await Promise.resolve(held));
  }

  #finished(
    id: string,
    call: RunTool['call'],
    outcome: ToolOutcome,
    startedAt: number,
    { spent = [], successor }: ChildReport = {},
  ): TurnInputEvent {
    const { clock, tracer } = this.#parts;
    const at = clock.now();
    const duration_ms = Math.max(0, at - startedAt);
    tracer.write(this.#host.trace, {
      type: 'tool_call_completed',
      call_id: call.callId,
      name: call.tool,
      args: call.args,
      output: { outcome: outcomeRecord(outcome) },
      duration_ms,
    });
    const all = [...(this.#spent.get(id) ?? []), ...spent];
    return {
      type: 'tool-finished',
      effect: id,
      outcome,
      durationMs: duration_ms,
      // Who failed has passed nothing on.
      ...(successor === undefined || outcome.status !== 'success' ? {} : { successor }),
      ...(all.length === 0 ? {} : { spent: all }),
      at,
    };
  }
}

/** How plugins rule on a call. */
function isSerial({ mode }: Tool): boolean {
  return mode === 'serial';
}

function unknown(): ToolOutcome {
  return failure(
    'ToolOutcomeUnknown',
    'It was started and interrupted; whether it did anything is unknown. Find out before you call it again.',
  );
}
