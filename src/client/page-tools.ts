import { LashError } from '../core/error.ts';
import type { JsonValue } from '../core/json.ts';
import { refuseNonData } from '../core/plain-data.ts';
import type { PageToolSpec } from '../protocol/api.ts';
import type { PageToolRequest } from '../protocol/channel-item.ts';
import { type Outcome, outcomeOf } from '../protocol/wire.ts';

/** What a running page tool is given besides its arguments. */
export interface PageToolContext {
  readonly sessionId: string;
  readonly turnId: string;
  readonly callId: string;
  /** Aborts when the turn is stopped or the worker is lost. */
  readonly signal: AbortSignal;
}

/**
 * A tool that runs on the page, for what only the page can do. The worker checks the arguments against `inputSchema`
 * before it asks; it comes with JSON Schema, so that the page needs no schema library. A call belongs to the page that was
 * asked: if that goes away in the middle of it, the model is told that its outcome is unknown, unless `replay` is `safe`.
 */
export interface PageTool extends PageToolSpec {
  /** Runs the tool. It must resolve with JSON data; what it throws is told to the model. */
  execute(args: JsonValue, context: PageToolContext): JsonValue | Promise<JsonValue>;
}

/** The tools that a page offers, and their calls that run. */
export class PageToolbox {
  readonly #running = new Map<number, AbortController>();
  #tools: readonly PageTool[] = [];

  /** What the worker is told of the tools. */
  get specs(): readonly PageToolSpec[] {
    return this.#tools.map((tool) => {
      const { execute: _runsHere, ...spec } = { ...tool, execute: null };
      return spec;
    });
  }

  /** Replaces the tools and returns those that there were. */
  replace(tools: readonly PageTool[]): readonly PageTool[] {
    const before = this.#tools;
    this.#tools = tools;
    return before;
  }

  /** Runs one call to its end. Never rejects. */
  async run(call: number, request: PageToolRequest): Promise<Outcome<JsonValue>> {
    const controller = new AbortController();
    this.#running.set(call, controller);
    const outcome = await outcomeOf(this.#execute(request, controller.signal));
    if (this.#running.get(call) === controller) this.#running.delete(call);
    return outcome;
  }

  /** Tells a call that nobody waits for it any more. */
  cancel(call: number, reason: string): void {
    this.#running.get(call)?.abort(new LashError('Cancelled', reason, { reason }));
  }

  /** Tells every call. */
  cancelAll(reason: string): void {
    for (const call of this.#running.keys()) this.cancel(call, reason);
  }

  async #execute({ tool: name, args, ...ids }: PageToolRequest, signal: AbortSignal): Promise<JsonValue> {
    const tool = this.#tools.find((candidate) => candidate.name === name);
    if (tool === undefined)
      throw new LashError('ToolNotFound', `The page offers no tool ${name}`, { tool: name });
    // A function that returns nothing has done what it should.
    const value = ((await tool.execute(args, { ...ids, signal })) as JsonValue | undefined) ?? null;
    refuseNonData(value, '$', ` of what ${name} returned`);
    return value;
  }
}
