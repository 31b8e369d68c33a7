import { definePlugin, defineTool, type Plugin } from 'lash-web/worker';
import { array, boolean, maxLength, minLength, parse, strictObject, string } from 'zod/mini';

const TEXT = string().check(minLength(1), maxLength(200));
const Plan = strictObject({
  steps: array(strictObject({ text: TEXT, done: boolean() })).check(maxLength(50)),
});
type Plan = ReturnType<typeof parse<typeof Plan>>;

/**
 * A plan that belongs to a chat, and to the branch of it: the model writes it down and ticks off what is done, is reminded of what
 * is left, and the person sees it, ticks off as well, or throws it away.
 */
export function planPlugin(): Plugin {
  return definePlugin({
    id: 'plan',
    version: 1,
    state: { schema: Plan, initial: { steps: [] }, shown: true },
    build: ({ state }) => {
      const tick = (wanted: string, change: (done: boolean) => boolean): boolean => {
        const { steps } = state.get();
        const at = steps.findIndex(({ text }) => text.toLowerCase() === wanted.trim().toLowerCase());
        const step = steps[at];
        if (step === undefined) return false;
        state.set({ steps: steps.with(at, { ...step, done: change(step.done) }) });
        return true;
      };
      return {
        tools: [
          defineTool({
            name: 'plan',
            description: 'Writes down a plan in place of the one before: its steps, none of them done.',
            input: strictObject({ steps: array(TEXT).check(maxLength(50)) }),
            replay: 'safe',
            execute: ({ steps }) => {
              state.set({ steps: steps.map((text) => ({ text, done: false })) });
              return { steps: steps.length };
            },
          }),
          defineTool({
            name: 'tick',
            description: 'Marks a step of the plan as done.',
            input: strictObject({ step: TEXT }),
            replay: 'safe',
            execute: ({ step }) => {
              const found = tick(step, () => true);
              return { found, left: state.get().steps.filter(({ done }) => !done).length };
            },
          }),
        ],
        prompt: () => {
          const left = state.get().steps.filter(({ done }) => !done);
          if (left.length === 0) return [];
          const content = left.map(({ text }) => `- ${text}`).join('\n');
          return [{ slot: 'runtime_context', title: 'What is left of the plan', content }];
        },
        actions: {
          toggle: { writes: true, run: (step) => tick(parse(TEXT, step), (done) => !done) },
          clear: {
            writes: true,
            run: () => {
              state.set({ steps: [] });
              return null;
            },
          },
        },
      };
    },
  });
}
