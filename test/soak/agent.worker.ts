import { answerCalls } from '../bench/answer-calls.ts';
import type { AgentState } from './long-agent.ts';
import { LongAgent } from './long-agent.ts';

const held: { agent?: LongAgent } = {};

const calls = {
  run: async (turns: number, seed: number): Promise<AgentState> => {
    held.agent ??= await LongAgent.create(seed);
    return await held.agent.run(turns);
  },
  commitCost: async () => await held.agent?.commitCost(),
  end: async () => await held.agent?.end(),
};

export type AgentCalls = typeof calls;

answerCalls(calls);
