import type { Clock } from '../../contract/clock.ts';
import type { RuntimeEnvironment } from '../../contract/environment.ts';
import type { Provider, Providers } from '../../contract/provider.ts';
import type { CommitBudget } from '../../contract/store.ts';
import type { SessionTasks } from '../../contract/task.ts';
import type { Tool } from '../../contract/tool.ts';
import type { TraceContext, TraceEvent } from '../../contract/trace.ts';
import type { TurnStore } from '../../contract/turn-store.ts';
import type { AttachmentRef } from '../../core/attachment.ts';
import { LashError, toWireError } from '../../core/error.ts';
import type { PathWindow } from '../../core/event.ts';
import type { JsonObject } from '../../core/json.ts';
import type { ModelRequest } from '../../core/model-request.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import type { PromptLayerData } from '../../core/prompt-layer.ts';
import { estimateTokens } from '../../core/token-estimate.ts';
import { NO_USAGE } from '../../core/usage.ts';
import type { RenderedPrompt } from '../../prompt/render.ts';
import { createPromptRenderer, type PromptRenderer } from '../../prompt/renderer.ts';
import { contextBudget, NO_SELECTION, selectContext, selectedPath } from '../../turn/context.ts';
import type { TurnEffect } from '../../turn/effect.ts';
import { estimateNodesTokens } from '../../turn/estimate.ts';
import type { TurnInputEvent } from '../../turn/input.ts';
import type { ModelAnswer } from '../../turn/state.ts';
import { ABORTED, untilAborted } from '../abort.ts';
import type { CallChildren, SessionChildren } from '../children/child-call.ts';
import type { Feed } from '../feed.ts';
import type { History } from '../history/history.ts';
import type { PluginSession } from '../plugins/plugin-session.ts';
import type { TurnHooks } from '../plugins/turn-hooks.ts';
import type { SessionAttachmentStore } from '../portable/owned-attachments.ts';
import type { SecretVault } from '../secrets.ts';
import { answerInstruction, type Misfit, withMisfit } from './answer-check.ts';
import { StreamMeter, streamEventName, traceParts, traceUsage } from './call-trace.ts';
import { callModel, type ModelCallListener, type ModelCallResult } from './model-call.ts';
import { attachmentsOf, promptMessages } from './model-request.ts';
import { availableTools, missingTools, type OfferedTool, ToolOffers } from './offered-tools.ts';
import { tracePrompt } from './prompt-trace.ts';
import type { RateLimits } from './rate-limits.ts';
import { RequestTrace } from './request-trace.ts';
import { resolveProvider } from './resolve-provider.ts';
import { ResultTexts } from './result-texts.ts';
import type { Tracer } from './tracer.ts';

/** What the parts of one session's engine share. */
export interface SessionParts {
  readonly environment: RuntimeEnvironment;
  /** The environment's, for this session. */
  readonly attachments: SessionAttachmentStore;
  /** What the nodes of a commit may take. */
  readonly budget: CommitBudget;
  readonly history: History;
  readonly feed: Feed;
  readonly tracer: Tracer;
  readonly secrets: SecretVault;
  readonly clock: Clock;
  providers(): Providers;
  /** Those of the host, of pages, and of plugins. */
  tools(): readonly Tool[];
  /** `null` where the environment has none. */
  readonly plugins: PluginSession | null;
  /** The session's background tasks; `null` without a host for them. */
  readonly tasks: SessionTasks | null;
  readonly children: SessionChildren;
  /** What the session keeps of its turns. */
  readonly turns: TurnStore;
  /** Shared by the sessions of a worker. */
  readonly rates: RateLimits;
  /** Whether the platform believes that there is a network. */
  online(): boolean;
}

/** What a turn brings to its model calls. `policy` is the session's as the turn began. */
export interface TurnScope {
  readonly turnId: string;
  readonly turnIndex: number;
  readonly policy: SessionPolicy;
  readonly prompt: PromptLayerData | undefined;
  /** The schema of the answer that the turn asked for. */
  readonly answer: JsonObject | undefined;
  /** The tools that the turn may offer the model. */
  readonly tools: readonly string[] | undefined;
}

/** The context of a model for which neither the policy nor the provider names a limit. */
const DEFAULT_CONTEXT_TOKENS = 8192;

type ModelEffect = Extract<TurnEffect, { type: 'call-model' }>;
/** What becomes of a model call. */
export type ModelOutcome = Extract<
  TurnInputEvent,
  { readonly type: 'model-answered' | 'model-failed' | 'model-stopped' }
>;

type TraceStreamEvent = Extract<TraceEvent, { type: 'runtime_stream_event' }>['event'];

/** What a call happens within. */
export interface CallBounds {
  readonly signal: AbortSignal;
  /** What its hooks have of child sessions. */
  readonly children: CallChildren;
}

/** A call that is under way. */
interface OpenCall {
  readonly effect: ModelEffect;
  readonly scope: TurnScope;
  readonly signal: AbortSignal;
  readonly context: TraceContext;
  readonly meter: StreamMeter;
  readonly hooks: TurnHooks | undefined;
  /** Whether the trace has what the model was asked. */
  traced: boolean;
}

/** Makes the model calls of a session: builds the request, streams the answer to the feed, and traces both. */
export class ModelCaller {
  readonly #parts: SessionParts;
  readonly #renderer: PromptRenderer = createPromptRenderer();
  readonly #requestTrace = new RequestTrace();
  readonly #results: ResultTexts;
  /** What the model was shown last, and below which node. */
  #shown: { readonly leaf: string | null; readonly attachments: readonly AttachmentRef[] } | null = null;
  /** The prompt that was traced last. */
  #prompt: RenderedPrompt | null = null;
  readonly #offers = new ToolOffers();
  #offered: readonly OfferedTool[] = [];

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#results = new ResultTexts(parts.attachments, parts.environment.limits.toolResultBytes);
  }

  /** The attachments in what the model was shown at the leaf; where somebody else asked it, in what it was shown more or less. */
  async shownAttachments({ policy }: TurnScope): Promise<readonly AttachmentRef[]> {
    const { leaf } = this.#parts.history.head;
    if (this.#shown?.leaf === leaf) return this.#shown.attachments;
    const budget = contextBudget(policy.maxContextTokens ?? DEFAULT_CONTEXT_TOKENS, 0);
    const { nodes } = await this.#context(leaf, budget);
    return attachmentsOf(nodes);
  }

  /** The tools that the model was offered last. */
  get offered(): readonly OfferedTool[] {
    return this.#offered;
  }

  /** Whether `tool` is what a model was offered. @throws what getting its schema throws */
  async isOffered(tool: Tool, { print }: OfferedTool): Promise<boolean> {
    const [, present] = await this.#offers.of(tool);
    return present.print === print;
  }

  /** Makes the call and resolves with what the machine is to be told; it rejects for defects of the engine only. */
  async call(
    effect: ModelEffect,
    scope: TurnScope,
    { signal, children }: CallBounds,
    misfit: Misfit | null = null,
  ): Promise<ModelOutcome> {
    const { tracer, clock, secrets } = this.#parts;
    const context = this.#traceContext(effect, scope);
    const startedAt = clock.now();
    const meter = new StreamMeter(startedAt);
    const { sessions } = children;
    const hooks = this.#parts.plugins?.of({ turnId: scope.turnId, step: effect.step, signal, sessions });
    const call: OpenCall = { effect, scope, signal, context, meter, hooks, traced: false };
    let made: ModelAnswer | undefined;
    try {
      const streamed = await this.#stream(call, misfit);
      made = streamed.answer;
      const { answer, stopped } = await reviewed(streamed, call);
      const at = clock.now();
      const text = answer.parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
      if (stopped) {
        const error = { message: 'The call was stopped.', retryable: false, terminal_reason: 'cancelled' };
        tracer.write(context, { type: 'llm_call_failed', error, stream_summary: meter.summary(at) });
        return { type: 'model-stopped', effect: effect.id, answer, at };
      }
      tracer.write(context, {
        type: 'llm_call_completed',
        response: {
          text,
          duration_ms: at - startedAt,
          terminal_reason: TERMINAL_REASONS[answer.finish],
          parts: traceParts(answer),
        },
        usage: traceUsage(answer.usage),
        stream_summary: meter.summary(at),
      });
      return { type: 'model-answered', effect: effect.id, answer, at };
    } catch (cause) {
      const error = secrets.redactError(cause);
      const told = { ...traceError(error), terminal_reason: 'provider_error' };
      const stream_summary = meter.summary(clock.now());
      if (call.traced) tracer.write(context, { type: 'llm_call_failed', error: told, stream_summary });
      else tracer.write(context, { type: 'custom', name: 'llm_call_not_made', payload: { error: told } });
      const counted = made === undefined ? {} : { answer: made };
      return {
        type: 'model-failed',
        effect: effect.id,
        error: toWireError(error),
        ...counted,
        at: clock.now(),
      };
    }
  }

  async #stream(call: OpenCall, misfit: Misfit | null): Promise<ModelCallResult> {
    const { scope, signal } = call;
    const { secrets } = this.#parts;
    const prepared = await untilAborted(this.#prepare(call), signal);
    if (prepared === ABORTED) {
      const { model } = scope.policy.provider;
      return { answer: { model, parts: [], finish: 'missing', usage: NO_USAGE }, stopped: true };
    }
    const { provider } = prepared;
    const request = misfit === null ? prepared.request : withMisfit(prepared.request, misfit);
    return await callModel(provider, request, signal, secrets, this.#listener(call));
  }

  #listener(call: OpenCall): ModelCallListener {
    const { effect, scope, context, meter } = call;
    const { turnId } = scope;
    const { correlationId } = effect;
    const { clock, feed, secrets, tracer } = this.#parts;
    const traceStream = (event: Omit<TraceStreamEvent, 'sequence' | 'elapsed_ms'>): void => {
      if (!tracer.extended) return;
      tracer.write(context, {
        type: 'runtime_stream_event',
        event: { ...meter.next(clock.now()), ...event },
      });
    };
    return {
      onDelta: (kind, streamed) => {
        const text = shownText(streamed, call);
        if (text === '') return;
        const type = kind === 'text' ? 'text-delta' : 'reasoning-delta';
        meter.visible(text, clock.now());
        traceStream({ event_name: streamEventName(type), visible_text: text });
        feed.emit({ type, turnId, correlationId, text });
      },
      onEvent: (event) => {
        traceStream({
          event_name: streamEventName(event.type),
          ...(event.type === 'tool-call'
            ? { call_id: event.callId, tool_name: event.tool, input_json: event.args }
            : {}),
          ...(event.type === 'finish' ? { usage: traceUsage(event.usage) } : {}),
        });
      },
      onLateFailure: (error) => {
        const { message } = secrets.redactError(error);
        tracer.write(context, { type: 'custom', name: 'provider_failed_after_end', payload: { message } });
      },
    };
  }

  /** The provider and what it is asked. Once `signal` aborted it tells nothing to feed or trace any more. */
  async #prepare(call: OpenCall): Promise<{ readonly provider: Provider; readonly request: ModelRequest }> {
    const { effect, scope, signal, context, hooks } = call;
    const { environment, attachments, history, tracer, secrets } = this.#parts;
    const { toolResultBytes } = environment.limits;
    const { policy, prompt } = scope;
    // Made anew for each call, so that a new key is used.
    const provider = await resolveProvider(this.#parts.providers(), policy.provider, secrets);
    signal.throwIfAborted();
    await hooks?.beforeStep(effect.step === 0 && effect.attempt === 1);
    const all = this.#parts.tools();
    const named = availableTools(all, scope);
    const left = await hooks?.availableTools(named.map(({ name }) => name));
    const available = left === undefined ? named : named.filter(({ name }) => left.includes(name));
    const offers = await Promise.all(available.map(async (tool) => await this.#offers.of(tool)));
    signal.throwIfAborted();
    const tools = offers.map(([spec]) => spec);
    const contributed = (await hooks?.prompt()) ?? [];
    signal.throwIfAborted();
    const layers = [environment.prompt, ...contributed, policy.prompt, prompt].filter(
      (layer) => layer !== undefined,
    );
    const rendered = this.#renderer.render(
      layers,
      tools.map(({ name }) => name),
    );
    const limit = policy.maxContextTokens ?? provider.maxContextTokens;
    const isFirst = effect.step === 0 && effect.attempt === 1;
    if (isFirst || rendered !== this.#prompt) await tracePrompt(tracer, rendered, context, signal);
    this.#prompt = rendered;
    if (isFirst) this.#warn(scope, limit, missingTools(all, scope));
    const promptTokens = estimateTokens(rendered.text) + estimateTokens(JSON.stringify(tools));
    const budget = contextBudget(limit ?? DEFAULT_CONTEXT_TOKENS, promptTokens);
    const { nodes: path } = await this.#context(effect.leaf, budget);
    const nodes = (await hooks?.viewContext(path, budget)) ?? path;
    if (limit !== undefined)
      refuseOverflow(promptTokens + estimateNodesTokens(nodes, toolResultBytes), limit);
    const messages = await promptMessages(nodes, attachments, this.#results);
    signal.throwIfAborted();
    const { answer } = scope;
    const request = {
      sessionId: history.sessionId,
      system: answer === undefined ? rendered.text : `${rendered.text}\n\n${answerInstruction(answer)}`,
      messages,
      tools,
      ...(answer === undefined ? {} : { answerSchema: answer }),
    };
    this.#shown = { leaf: effect.leaf, attachments: attachmentsOf(nodes) };
    this.#offered = offers.map(([, offered]) => offered);
    if (tracer.on) {
      const traced = this.#requestTrace.next(request, provider.model, nodes, scope.turnId);
      tracer.write(context, { type: 'llm_call_started', request: traced });
      call.traced = true;
    }
    return { provider, request };
  }

  /** The part of the path that the model is shown, read as far as it reaches (law TU2). */
  async #context(leaf: string | null, budgetTokens: number): Promise<PathWindow> {
    const { limits } = this.#parts.environment;
    let selection = NO_SELECTION;
    for await (const page of this.#parts.history.pages(leaf)) {
      selection = selectContext(selection, page, budgetTokens, limits.toolResultBytes);
      if (selection.done) break;
    }
    return selectedPath(selection);
  }

  #warn({ turnId }: TurnScope, limit: number | undefined, missing: readonly string[]): void {
    const tell = (message: string): void => this.#parts.feed.emit({ type: 'warning', turnId, message });
    if (limit === undefined)
      tell(
        `Neither the session nor the provider says how long the model's context is: ${DEFAULT_CONTEXT_TOKENS} tokens are assumed.`,
      );
    if (missing.length > 0) tell(`Policy or turn names tools that nobody has: ${missing.join(', ')}.`);
  }

  #traceContext(effect: ModelEffect, { turnId, turnIndex }: TurnScope): TraceContext {
    const { sessionId } = this.#parts.history;
    return {
      session_id: sessionId,
      turn_id: turnId,
      turn_index: turnIndex,
      mode_iteration: effect.step,
      effect_id: effect.id,
      llm_call_id: `${sessionId}:${turnIndex}:${effect.step}:${effect.attempt - 1}`,
      ...(effect.leaf === null ? {} : { parent_graph_node_id: effect.leaf }),
    };
  }
}

/** What plugins show of text. Of a call that is being stopped, nothing that they fail at (law TU5). */
function shownText(text: string, { hooks, signal }: OpenCall): string {
  if (hooks === undefined) return text;
  try {
    return hooks.transformText(text);
  } catch (error) {
    if (signal.aborted) return '';
    throw error;
  }
}

/** What plugins make of an answer. One that was stopped, also while they had it, stays as it came (law TU5). */
async function reviewed(
  { answer, stopped }: ModelCallResult,
  { hooks, signal }: OpenCall,
): Promise<ModelCallResult> {
  if (stopped || hooks === undefined) return { answer, stopped };
  const parts = await untilAborted(hooks.answered(answer), signal);
  return parts === ABORTED ? { answer, stopped: true } : { answer: { ...answer, parts }, stopped };
}

const TERMINAL_REASONS = {
  stop: 'stop',
  'tool-calls': 'tool_use',
  length: 'output_limit',
  'content-filter': 'content_filter',
  other: 'unknown',
  missing: 'unknown',
} as const;

/** Refuses what a provider would refuse, before it is asked. The estimate is rough, and errs to either side. */
function refuseOverflow(tokens: number, maxContextTokens: number): void {
  if (tokens <= maxContextTokens) return;
  const message = `The newest turn and the prompt take about ${tokens} tokens, and the model takes ${maxContextTokens}`;
  throw new LashError('ContextOverflow', message, { maxContextTokens });
}

function traceError(error: LashError): { message: string; retryable: boolean; code: string; raw?: string } {
  const { message, retryable, code, cause } = error;
  return { message, retryable, code, ...(cause instanceof Error ? { raw: cause.message } : {}) };
}
