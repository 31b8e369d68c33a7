import { definePlugin, defineTool, type Plugin } from 'lash-web/worker';
import * as z from 'zod/mini';

const Plan = z.strictObject({
  steps: z.array(z.strictObject({ text: z.string(), done: z.boolean() })),
});
type Plan = z.infer<typeof Plan>;

/** Lets the model keep a plan, reminds it of what is left, and shows it to the page. */
export function planPlugin(): Plugin {
  return definePlugin({
    id: 'plan',
    version: 1,
    state: { schema: Plan, initial: { steps: [] }, shown: true },
    build: ({ state }) => ({
      tools: [
        defineTool({
          name: 'plan',
          description: 'Writes down the plan, whole, each time that it changes.',
          input: Plan,
          replay: 'safe',
          execute: (plan) => {
            state.set(plan);
            return 'noted';
          },
        }),
      ],
      prompt: () => {
        const left = state.get().steps.filter(({ done }) => !done);
        if (left.length === 0) return [];
        const content = left.map(({ text }) => `- ${text}`).join('\n');
        return [{ slot: 'runtime_context', title: 'What is left of your plan', content }];
      },
      actions: {
        clear: {
          writes: true,
          run: () => {
            state.set({ steps: [] });
            return null;
          },
        },
      },
    }),
  });
}
