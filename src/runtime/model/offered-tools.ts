import { sha256Of } from '../../contract/digest.ts';
import { type Tool, toolSpec } from '../../contract/tool.ts';
import { canonicalJson, type JsonObject } from '../../core/json.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import type { ToolSpec } from '../../core/tool-spec.ts';

/** Who may narrow what a turn's model is offered. */
interface Narrowing {
  readonly policy: SessionPolicy;
  /** The turn's own wish. */
  readonly tools: readonly string[] | undefined;
}

/**
 * What a model was offered of a tool that it called. `print` is a hash of all that it was told: a call is for the tool of that
 * print, and for no other that has the name by the time the call is to run (rule TL8).
 */
export interface OfferedTool {
  readonly name: string;
  readonly print: string;
  /** It belongs to a page. */
  readonly offeredByPage?: true;
  /** A call that was started may be started again. */
  readonly replay?: 'safe';
}

/** The tools that a model may be offered: those that both the session's policy and the turn name, where they do (rule TL7). */
export function availableTools(tools: readonly Tool[], { policy, tools: wish }: Narrowing): readonly Tool[] {
  return tools.filter(({ name }) => isNamed(policy.tools, name) && isNamed(wish, name));
}

/** The names among those that policy and turn want which no tool has. */
export function missingTools(
  tools: readonly Tool[],
  { policy, tools: wish = [] }: Narrowing,
): readonly string[] {
  const known = new Set(tools.map(({ name }) => name));
  return [...new Set([...(policy.tools ?? []), ...wish])].filter((name) => !known.has(name));
}

/** The specifications of tools with their prints; each is made once. */
export class ToolOffers {
  readonly #made = new WeakMap<Tool, Promise<readonly [ToolSpec, OfferedTool]>>();

  /** What a model is told of a tool, and what is recorded of that. @throws what getting its schema throws */
  async of(tool: Tool): Promise<readonly [ToolSpec, OfferedTool]> {
    let made = this.#made.get(tool);
    if (made === undefined) {
      made = offerOf(tool);
      this.#made.set(tool, made);
      // What could not be got may be there the next time.
      made.catch(() => this.#made.delete(tool));
    }
    return await made;
  }
}

async function offerOf(tool: Tool): Promise<readonly [ToolSpec, OfferedTool]> {
  const spec = await toolSpec(tool);
  const offered: OfferedTool = {
    name: spec.name,
    print: await printOf(spec),
    ...(tool.offeredByPage === true ? { offeredByPage: true } : {}),
    ...(tool.replay === 'safe' ? { replay: 'safe' } : {}),
  };
  return [spec, offered];
}

async function printOf({ name, description, inputSchema }: ToolSpec): Promise<string> {
  const told: JsonObject = { name, description, inputSchema };
  return await sha256Of(new TextEncoder().encode(canonicalJson(told)));
}

function isNamed(names: readonly string[] | undefined, name: string): boolean {
  return names === undefined || names.includes(name);
}
