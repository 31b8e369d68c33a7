import { schemaCheck } from '../contract/schema-check.ts';
import type { Tool, ToolContext, ToolReturn } from '../contract/tool.ts';
import { LashError } from '../core/error.ts';
import type { JsonValue } from '../core/json.ts';
import { toolResult } from '../core/tool-result.ts';
import type { PageToolAnswer, PageToolSpec, ToolOffer } from '../protocol/api.ts';
import type { EventSender } from '../protocol/event-channel.ts';
import { type Outcome, unwrap } from '../protocol/wire.ts';
import { checkToolName } from './tool-name.ts';

interface Asked {
  readonly tool: PageToolSpec;
  readonly resolve: (value: ToolReturn) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The tools that a page offers, as the engine sees tools. Their arguments are checked here, against JSON Schema; to run
 * one, the page is asked over the event channel. A call belongs to that page: it ends when the page answers, when its turn
 * is stopped, or when the page goes away, and an answer that comes later is dropped.
 */
export class PageTools {
  readonly #channel: EventSender;
  readonly #asked = new Map<number, Asked>();
  #tools: readonly Tool[] = [];
  #calls = 0;

  constructor(channel: EventSender) {
    this.#channel = channel;
  }

  /** What the page offers now. */
  get tools(): readonly Tool[] {
    return this.#tools;
  }

  /**
   * Replaces what the page offers, from the next model call and the next tool call on.
   *
   * @throws `InvalidInput` for a name that is `taken`, comes twice, or that providers do not take, and for a schema that
   *   cannot be used; `ModuleLoadFailed`
   */
  async offer({ offer, tools: specs }: ToolOffer, taken: readonly string[]): Promise<void> {
    const names = new Set(taken);
    const tools: Tool[] = [];
    for (const [index, spec] of specs.entries()) {
      const path = `tools[${index}]`;
      checkToolName(spec.name, `${path}.name`);
      if (names.has(spec.name)) throw invalid(`${path}.name`, `there is a tool called ${spec.name} already`);
      names.add(spec.name);
      const check = await schemaCheck(spec.inputSchema, `${path}.inputSchema`);
      tools.push({
        ...spec,
        offeredByPage: true,
        check,
        execute: (args, context) => this.#ask(offer, spec, args as JsonValue, context),
      });
    }
    this.#tools = tools;
  }

  /** The page's answer to a call; one that nobody waits for any more is dropped. */
  answer(call: number, answer: Outcome<PageToolAnswer>): void {
    const asked = this.#asked.get(call);
    if (asked === undefined) return;
    try {
      const { value, attachments } = unwrap(answer);
      asked.resolve(attachments === undefined ? value : toolResult(value, { attachments }));
    } catch (error) {
      asked.reject(error);
    }
  }

  /**
   * The page is going away, and may have done what it was asked to. Resolves when the turns have been told so; what may run
   * again is left as it is.
   */
  async close(): Promise<void> {
    this.#tools = [];
    for (const { tool, reject } of this.#asked.values()) {
      if (tool.replay === 'safe') continue;
      const message = `The page that ran ${tool.name} is gone; whether it did anything is unknown.`;
      reject(new LashError('ToolOutcomeUnknown', message, { tool: tool.name }));
    }
    await new Promise((resolve) => setTimeout(resolve));
  }

  async #ask(offer: number, tool: PageToolSpec, args: JsonValue, context: ToolContext): Promise<ToolReturn> {
    const { sessionId, turnId, callId, signal } = context;
    signal.throwIfAborted();
    this.#calls += 1;
    const call = this.#calls;
    const stop = (): void => this.#cancel(call, signal.reason);
    const answered = new Promise<ToolReturn>((resolve, reject) =>
      this.#asked.set(call, { tool, resolve, reject }),
    );
    signal.addEventListener('abort', stop, { once: true });
    this.#channel.push({
      kind: 'tool-call',
      call,
      request: { offer, tool: tool.name, args, sessionId, turnId, callId },
    });
    this.#channel.flush();
    try {
      return await answered;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#asked.delete(call);
    }
  }

  #cancel(call: number, cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#channel.push({ kind: 'tool-cancelled', call, reason });
    this.#asked
      .get(call)
      ?.reject(new LashError('Cancelled', `The tool call was stopped: ${reason}`, { reason }));
  }
}

function invalid(path: string, reason: string): LashError {
  return new LashError('InvalidInput', `The offered tool cannot be used: ${reason}`, { path, reason });
}
