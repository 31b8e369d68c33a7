import { isLashError, LashError, reasonText } from '../core/error.ts';
import type { JsonValue } from '../core/json.ts';
import { refuseNonData } from '../core/plain-data.ts';
import { toolFailure } from '../core/tool-failure.ts';
import { isToolResult, type ToolResult } from '../core/tool-result.ts';
import type { PageToolAnswer, PageToolSpec, ToolOffer } from '../protocol/api.ts';
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
  /**
   * Runs the tool. It must resolve with JSON data, or with that and attachments: `toolResult`. What it throws is told to the
   * model; `toolFailure` makes an error that says more than a message.
   */
  execute(args: JsonValue, context: PageToolContext): PageToolReturn | Promise<PageToolReturn>;
}

/** What a page's tool may return: JSON data, with attachments or without. */
export type PageToolReturn = JsonValue | ToolResult;

/** What is offered, and its number. */
interface Offer {
  readonly number: number;
  readonly tools: readonly PageTool[];
}

/** How many offers are kept: a call may be on its way that is for an earlier one. */
const KEPT_OFFERS = 8;

/** The tools that a page offers, and their calls that run. */
export class PageToolbox {
  readonly #running = new Map<number, AbortController>();
  /** The newest one is the last. */
  #offers: readonly Offer[] = [];
  #count = 0;

  /** What the worker is told of the tools; `null` where none were ever offered. */
  get offer(): ToolOffer | null {
    const offer = this.#offers.at(-1);
    return offer === undefined ? null : { offer: offer.number, tools: offer.tools.map(specOf) };
  }

  /** Replaces the tools, and returns the number of the offer. */
  replace(tools: readonly PageTool[]): number {
    this.#count += 1;
    this.#offers = [...this.#offers, { number: this.#count, tools }].slice(-KEPT_OFFERS);
    return this.#count;
  }

  /** Takes back an offer that the worker refused: what was offered before it stands. */
  takeBack(offer: number): void {
    this.#offers = this.#offers.filter(({ number }) => number !== offer);
  }

  /** Runs one call to its end. Never rejects. */
  async run(call: number, request: PageToolRequest): Promise<Outcome<PageToolAnswer>> {
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

  /** The tool that the model was told of when it made the call. @throws `ToolNotFound`, `ToolUnavailable` */
  #find({ offer, tool: name }: PageToolRequest): PageTool {
    const find = (from: Offer | undefined): PageTool | undefined =>
      from?.tools.find((candidate) => candidate.name === name);
    const tool = find(this.#offers.at(-1));
    if (tool === undefined)
      throw new LashError('ToolNotFound', `The page offers no tool ${name}`, { tool: name });
    const asked = find(this.#offers.find(({ number }) => number === offer));
    const isSame = asked === tool || (asked !== undefined && toldOf(asked) === toldOf(tool));
    if (isSame) return tool;
    throw new LashError('ToolUnavailable', `The page offers another tool ${name} now`, { tool: name });
  }

  async #execute(request: PageToolRequest, signal: AbortSignal): Promise<PageToolAnswer> {
    const tool = this.#find(request);
    const { tool: name, args, offer: _isFound, ...ids } = request;
    // A function that returns nothing has done what it should.
    const returned = (await executed(tool, args, { ...ids, signal })) ?? null;
    const answer = isToolResult(returned)
      ? { value: returned.value, attachments: returned.attachments }
      : { value: returned };
    refuseNonData(answer.value, '$', ` of what ${name} returned`);
    refuseNonData(answer.attachments ?? [], '$.attachments', ` of what ${name} returned`);
    return answer;
  }
}

/** What the tool returns; what it throws is an error of this package. */
async function executed(tool: PageTool, args: JsonValue, context: PageToolContext): Promise<PageToolReturn> {
  try {
    return await tool.execute(args, context);
  } catch (error) {
    throw isLashError(error) ? error : toolFailure(reasonText(error), { cause: error });
  }
}

function specOf(tool: PageTool): PageToolSpec {
  const { execute: _runsHere, ...spec } = { ...tool, execute: null };
  return spec;
}

function toldOf({ description, inputSchema }: PageToolSpec): string {
  return JSON.stringify([description, inputSchema]);
}
