import type { Clock } from '../contract/clock.ts';
import type { RuntimeEnvironment } from '../contract/environment.ts';
import type { ModelRequest, Provider } from '../contract/provider.ts';
import type { Tool } from '../contract/tool.ts';
import type { TraceContext } from '../contract/trace.ts';
import { type LashError, toWireError } from '../core/error.ts';
import type { SessionNode } from '../core/node.ts';
import type { SessionPolicy } from '../core/policy.ts';
import type { PromptLayerData } from '../core/prompt-layer.ts';
import { createPromptRenderer, type PromptRenderer } from '../prompt/renderer.ts';
import { contextBudget, type ContextWindow, selectContext } from '../turn/context.ts';
import type { TurnEffect } from '../turn/effect.ts';
import { estimateTokens } from '../turn/estimate.ts';
import type { TurnInputEvent } from '../turn/input.ts';
import { StreamMeter, streamEventName, traceParts, traceRequest, traceUsage } from './call-trace.ts';
import type { Feed } from './feed.ts';
import type { History } from './history.ts';
import { callModel, type ModelCallListener, type ModelCallResult } from './model-call.ts';
import { promptMessages } from './model-request.ts';
import type { SecretVault } from './secrets.ts';
import { sha256Hex, type Tracer } from './tracer.ts';

/** What the parts of one session's engine share. */
export interface SessionParts {
  readonly environment: RuntimeEnvironment;
  readonly history: History;
  readonly feed: Feed;
  readonly tracer: Tracer;
  readonly secrets: SecretVault;
  readonly clock: Clock;
  /** The provider of the session's policy, made anew for each turn, so that a new key is used. */
  provider(): Promise<Provider>;
  tools(): readonly Tool[];
  policy(): SessionPolicy;
}

/** What a turn brings to its model calls. */
export interface TurnScope {
  readonly turnId: string;
  readonly turnIndex: number;
  readonly prompt: PromptLayerData | undefined;
}

/** The context of a model for which neither the policy nor the provider names a limit. */
const DEFAULT_CONTEXT_TOKENS = 8192;

type ModelEffect = Extract<TurnEffect, { type: 'call-model' }>;

/** Makes the model calls of a session: builds the request, streams the answer to the feed, and traces both. */
export class ModelCaller {
  readonly #parts: SessionParts;
  readonly #renderer: PromptRenderer = createPromptRenderer();
  #tracedPrompt: string | null = null;
  #tracedLeaf: string | null = null;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Makes the call and resolves with what the machine is to be told; it rejects for defects of the engine only. */
  async call(effect: ModelEffect, scope: TurnScope, signal: AbortSignal): Promise<TurnInputEvent> {
    const { tracer, clock, secrets } = this.#parts;
    const context = this.#traceContext(effect, scope);
    const startedAt = clock.now();
    const meter = new StreamMeter(startedAt);
    try {
      const { answer, stopped } = await this.#stream(effect, scope, signal, context, meter);
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
      tracer.write(context, {
        type: 'llm_call_failed',
        error: { ...traceError(error), terminal_reason: 'provider_error' },
        stream_summary: meter.summary(clock.now()),
      });
      return { type: 'model-failed', effect: effect.id, error: toWireError(error) };
    }
  }

  async #stream(
    effect: ModelEffect,
    scope: TurnScope,
    signal: AbortSignal,
    context: TraceContext,
    meter: StreamMeter,
  ): Promise<ModelCallResult> {
    const { clock, feed, secrets, tracer } = this.#parts;
    const { turnId } = scope;
    const { correlationId } = effect;
    const provider = await this.#parts.provider();
    const { request, window } = await this.#request(provider, effect, scope, context);
    this.#traceStarted(request, provider.model, window, turnId, context);
    const listener: ModelCallListener = {
      onDelta: (kind, text) => {
        meter.visible(text, clock.now());
        feed.emit({ type: kind === 'text' ? 'text-delta' : 'reasoning-delta', turnId, correlationId, text });
      },
      onEvent: (event) => {
        if (!tracer.extended) return;
        tracer.write(context, {
          type: 'runtime_stream_event',
          event: {
            ...meter.next(clock.now()),
            event_name: streamEventName(event),
            ...('text' in event ? { visible_text: event.text } : {}),
            ...(event.type === 'tool-call'
              ? { call_id: event.callId, tool_name: event.tool, input_json: event.args }
              : {}),
            ...(event.type === 'finish' ? { usage: traceUsage(event.usage) } : {}),
          },
        });
      },
      onLateFailure: (error) => {
        const { message } = secrets.redactError(error);
        tracer.write(context, { type: 'custom', name: 'provider_failed_after_stop', payload: { message } });
      },
    };
    return await callModel(provider, request, signal, secrets, listener);
  }

  async #request(
    provider: Provider,
    effect: ModelEffect,
    scope: TurnScope,
    context: TraceContext,
  ): Promise<{ readonly request: ModelRequest; readonly window: ContextWindow }> {
    const { environment, history, tracer, feed } = this.#parts;
    const policy = this.#parts.policy();
    const { turnId, prompt } = scope;
    const tools = this.#parts.tools().map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    const layers = [environment.prompt, policy.prompt, prompt].filter((layer) => layer !== undefined);
    const rendered = this.#renderer.render(
      layers,
      tools.map(({ name }) => name),
    );
    if (effect.step === 0 && effect.attempt === 1 && tracer.on) {
      const hash = sha256Hex(rendered.text);
      tracer.write(context, {
        type: 'prompt_built',
        prompt_hash: hash,
        prompt_chars: [...rendered.text].length,
        components: rendered.components.map(({ id, kind, text }) => ({
          id,
          kind,
          hash: sha256Hex(text),
          chars: [...text].length,
        })),
      });
    }
    const limit = policy.maxContextTokens ?? provider.maxContextTokens;
    if (limit === undefined && effect.step === 0) {
      const message = `Neither the session nor the provider says how long the model's context is: ${DEFAULT_CONTEXT_TOKENS} tokens are assumed.`;
      feed.emit({ type: 'warning', turnId, message });
    }
    const promptTokens = estimateTokens(rendered.text) + estimateTokens(JSON.stringify(tools));
    const path = history.path.upTo(effect.leaf) ?? history.path;
    const window = selectContext(path, contextBudget(limit ?? DEFAULT_CONTEXT_TOKENS, promptTokens));
    const messages = await promptMessages(window.nodes, environment.attachmentStore);
    return { request: { sessionId: history.sessionId, system: rendered.text, messages, tools }, window };
  }

  #traceStarted(
    request: ModelRequest,
    model: string,
    window: ContextWindow,
    turnId: string,
    context: TraceContext,
  ): void {
    const { tracer } = this.#parts;
    if (!tracer.on) return;
    const system = request.system === this.#tracedPrompt ? null : request.system;
    const added = untraced(window.nodes, this.#tracedLeaf, turnId);
    tracer.write(context, { type: 'llm_call_started', request: traceRequest(request, model, system, added) });
    this.#tracedPrompt = request.system;
    this.#tracedLeaf = window.nodes.at(-1)?.id ?? null;
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

const TERMINAL_REASONS = {
  stop: 'stop',
  'tool-calls': 'tool_use',
  length: 'output_limit',
  'content-filter': 'content_filter',
  other: 'unknown',
  missing: 'unknown',
} as const;

/** Nodes that no earlier record shows. After a reload those are the turn's own, and at least the newest one. */
function untraced(nodes: readonly SessionNode[], tracedLeaf: string | null, turnId: string): readonly SessionNode[] {
  const last = nodes.findLastIndex(({ id }) => id === tracedLeaf);
  if (last >= 0) return nodes.slice(last + 1);
  const own = nodes.findIndex(({ body }) => body.kind !== 'plugin' && body.turnId === turnId);
  return nodes.slice(own >= 0 ? own : -1);
}

function traceError(error: LashError): { message: string; retryable: boolean; code: string; raw?: string } {
  const { message, retryable, code, cause } = error;
  return { message, retryable, code, ...(cause instanceof Error ? { raw: cause.message } : {}) };
}
