import type { Provider } from '../../src/contract/provider.ts';
import type { Tool } from '../../src/contract/tool.ts';
import { LashError } from '../../src/core/error.ts';
import type { ModelEvent } from '../../src/core/model-event.ts';
import type { SessionPolicy } from '../../src/core/policy.ts';
import type { TokenUsage } from '../../src/core/usage.ts';

/** A place of the script that is no write to storage: text was shown, or a tool did what it is for and has not told it. */
export type Place = 'in first text' | 'in last text' | 'in look' | 'in pay' | 'in erase';

export const PLACES: readonly Place[] = ['in first text', 'in last text', 'in look', 'in pay', 'in erase'];

/** The tools of the script, and the effects that they are called by. */
export const TOOL_EFFECTS = { look: 'tool-0-0', pay: 'tool-0-1', erase: 'tool-1-0' } as const;
export type ScriptTool = keyof typeof TOOL_EFFECTS;
export const SCRIPT_TOOLS = Object.keys(TOOL_EFFECTS) as readonly ScriptTool[];

/** The answers of the script, by what the model is asked with: nothing, one round of tools, two rounds. */
export const MODEL_CALLS = ['model-0', 'model-1', 'model-2'] as const;

/** What each answer is said to have used, and all of them together. */
const USAGE: TokenUsage = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 2, reasoningTokens: 1 };
export const TURN_USAGE: TokenUsage = {
  inputTokens: 30,
  outputTokens: 15,
  cachedInputTokens: 6,
  reasoningTokens: 3,
};

export const SCRIPT_POLICY: SessionPolicy = { provider: { id: 'scripted', model: 'scripted' } };

/** Where the script is played. */
export interface Stage {
  /** Does something for a turn outside of the browser, and resolves with how often that was done so far. */
  outside(what: ScriptTool | (typeof MODEL_CALLS)[number], turnId: string): Promise<number>;
  /** Called at each place. */
  at(place: Place): Promise<void>;
}

const call = (callId: string, tool: ScriptTool): ModelEvent => ({
  type: 'tool-call',
  callId,
  tool,
  args: '{}',
});
const finish = (reason: 'stop' | 'tool-calls'): ModelEvent => ({ type: 'finish', reason, usage: USAGE });

/**
 * The model of the script: it looks and pays, fails once, erases with somebody's approval, and says that it is done. What it
 * does depends on what it is shown since the turn's input, so that whoever goes on gets the same. The input is the turn's id.
 */
export function scriptedModel(stage: Stage): Provider {
  return {
    model: 'scripted',
    maxContextTokens: 100_000,
    async *stream({ messages }): AsyncIterable<ModelEvent> {
      const turn = messages.slice(messages.findLastIndex(({ role }) => role === 'user'));
      const [input] = turn[0]?.parts ?? [];
      const turnId = input?.type === 'text' ? input.text : '';
      const results = turn.flatMap((message) => (message.role === 'tool' ? message.parts : [])).length;
      if (results === 0) {
        await stage.outside('model-0', turnId);
        yield { type: 'text-delta', text: 'Let me look' };
        await stage.at('in first text');
        yield call('1', 'look');
        yield call('2', 'pay');
      } else if (results === 2) {
        const times = await stage.outside('model-1', turnId);
        const wish = { status: 503, retryAfterMs: 1 };
        if (times === 1) throw new LashError('ProviderUnavailable', 'The server is busy', wish);
        yield call('3', 'erase');
      } else {
        await stage.outside('model-2', turnId);
        yield { type: 'text-delta', text: 'done' };
        await stage.at('in last text');
      }
      yield finish(results < 3 ? 'tool-calls' : 'stop');
    },
  };
}

export function scriptedTools(stage: Stage): readonly Tool[] {
  const tool = (name: ScriptTool, more: Partial<Tool>): Tool => ({
    name,
    description: name,
    inputSchema: { type: 'object' },
    check: (value) => ({ ok: true, value }),
    execute: async (_, { turnId }) => {
      await stage.outside(name, turnId);
      await stage.at(`in ${name}`);
      return name;
    },
    ...more,
  });
  return [
    tool('look', { replay: 'safe' }),
    tool('pay', { replay: 'never' }),
    tool('erase', { replay: 'never', approval: true }),
  ];
}

/** Does something outside of the browser, and resolves with how often that was done so far. */
export async function tellOutside(url: string, what: string, by: string): Promise<number> {
  const response = await fetch(`${url}/${what}/${by}`, { method: 'POST' });
  return Number(await response.text());
}
