import type { ChildRequest, ChildResult } from '../contract/child-sessions.ts';
import { definePlugin, type Plugin } from '../contract/plugin.ts';
import type { ArgumentCheck, Tool, ToolContext } from '../contract/tool.ts';
import { LashError } from '../core/error.ts';
import type { JsonValue } from '../core/json.ts';
import type { SessionPolicy } from '../core/policy.ts';
import type { PromptLayerData } from '../core/prompt-layer.ts';
import { toolFailure } from '../core/tool-failure.ts';
import { AgentProgress } from './internal/agent-progress.ts';
import { Slots } from './internal/slots.ts';

export type { AgentStatus } from './internal/agent-progress.ts';

/** An agent that the model can give a task to. */
export interface SubagentDefinition {
  /** What it is good for: the model chooses by it. */
  readonly description: string;
  /** What the agent itself is told, in its system prompt. */
  readonly instructions?: string;
  /** The tools that it may use, by name. Default: none. With `spawn_agent` it may have agents of its own. */
  readonly tools?: readonly string[];
  /** What it is run with where that differs from its parent: a cheaper model, say, or fewer steps. */
  readonly policy?: Partial<SessionPolicy>;
  /** Whether it begins with what was said so far, instead of with nothing but its task. Default: no. */
  readonly knowsConversation?: boolean;
}

/** Options of {@link subagents}. */
export interface SubagentsOptions {
  /** By the name that the model calls them by. */
  readonly agents: Readonly<Record<string, SubagentDefinition>>;
  /** How many agents of one session run at a time; others wait. Default 4. */
  readonly maxParallel?: number;
}

/** What `spawn_agent` is called with. */
interface SpawnArguments {
  readonly agent: string;
  readonly task: string;
}

/**
 * Gives the model the tool `spawn_agent`: an agent works on a task in a child session of its own, and its answer is the call's
 * result. Agents run at the same time where the model asks for several; they stop with the turn; after a crash the call finds
 * its agent again. A running call shows an `AgentStatus` as its progress. What agents use is counted in the session's ledger
 * as `subagent`.
 *
 * How deep agents may have agents is limited by `RuntimeLimits.childDepth`: beyond it the model is told so.
 *
 * @throws `InvalidInput` for no agents, and for a `maxParallel` that is no whole number from 1 on
 */
export function subagents({ agents, maxParallel = 4 }: SubagentsOptions): Plugin {
  const names = Object.keys(agents);
  if (names.length === 0) throw invalid('agents', 'has none');
  if (!Number.isSafeInteger(maxParallel) || maxParallel < 1)
    throw invalid('maxParallel', 'is no whole number from 1 on');
  return definePlugin({
    id: 'subagents',
    version: 1,
    build: () => {
      const slots = new Slots(maxParallel);
      return { tools: [spawnTool(agents, slots)] };
    },
  });
}

function spawnTool(agents: SubagentsOptions['agents'], slots: Slots): Tool {
  const known = Object.entries(agents).map(([name, { description }]) => `- ${name}: ${description}`);
  return {
    name: 'spawn_agent',
    description: [
      'Gives a task to an agent, which works on it alone and answers once. It knows nothing but what you write as its task.',
      'Call this several times in one answer to have agents work at the same time. The agents:',
      ...known,
    ].join('\n'),
    inputSchema: {
      type: 'object',
      properties: {
        agent: { type: 'string', enum: Object.keys(agents) },
        task: { type: 'string', description: 'All that the agent needs to know, and what it is to answer.' },
      },
      required: ['agent', 'task'],
      additionalProperties: false,
    },
    // The same call finds the same agent again (rule CH1), so that what it has done is not done twice.
    replay: 'safe',
    check: (args) => checkArguments(args, agents),
    execute: async (args, context) => {
      const { agent, task } = args as SpawnArguments;
      const definition = agents[agent] as SubagentDefinition;
      return await slots.run(async () => await runAgent(agent, definition, task, context), context.signal);
    },
  };
}

function checkArguments(args: JsonValue, agents: SubagentsOptions['agents']): ArgumentCheck {
  if (typeof args !== 'object' || args === null || Array.isArray(args))
    return { ok: false, path: '$', reason: 'must be an object' };
  const { agent, task } = args as Readonly<Record<string, JsonValue>>;
  if (typeof agent !== 'string' || !Object.hasOwn(agents, agent))
    return { ok: false, path: '$.agent', reason: `must be one of ${Object.keys(agents).join(', ')}` };
  if (typeof task !== 'string' || task.trim() === '')
    return { ok: false, path: '$.task', reason: 'must say what is to be done' };
  return { ok: true, value: { agent, task } satisfies SpawnArguments };
}

async function runAgent(
  agent: string,
  definition: SubagentDefinition,
  task: string,
  { sessions, progress }: ToolContext,
): Promise<JsonValue> {
  const child = await sessions.open(requestOf(agent, definition, task));
  const { hear } = new AgentProgress(agent, child.sessionId, (status) => progress({ ...status }));
  const result = await child.turn(task, { onActivity: hear });
  if (result.status === 'completed') return result.text;
  throw failure(agent, child.sessionId, result);
}

function requestOf(
  agent: string,
  { tools = [], policy, instructions, knowsConversation = false }: SubagentDefinition,
  task: string,
): ChildRequest {
  return {
    key: 'agent',
    source: 'subagent',
    title: `${agent}: ${task.slice(0, 80)}`,
    tools,
    start: { kind: knowsConversation ? 'path' : 'empty' },
    ...(policy === undefined ? {} : { policy }),
    ...(instructions === undefined ? {} : { prompt: layerOf(instructions) }),
  };
}

function layerOf(content: string): PromptLayerData {
  const contribution = { slot: 'guidance', title: 'Your part', content } as const;
  return { slots: { guidance: { reset: false, contributions: [contribution] } } };
}

/** What the model is told of an agent that did not finish. */
function failure(agent: string, sessionId: string, { reason, error, text }: ChildResult): LashError {
  const why = error === undefined ? reason : `${error.code}: ${error.message}`;
  const data = { agent, sessionId, reason, ...(error === undefined ? {} : { code: error.code }) };
  const said = text === '' ? {} : { said: text.slice(0, 1024) };
  return toolFailure(`The agent ${agent} did not finish: ${why}`, {
    retryable: error?.retryable ?? false,
    data: { ...data, ...said },
  });
}

function invalid(path: string, reason: string): LashError<'InvalidInput'> {
  return new LashError('InvalidInput', `subagents: ${path} ${reason}`, { path, reason });
}
