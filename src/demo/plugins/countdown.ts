import { definePlugin, defineTool, type BackgroundTaskContext, type Plugin } from 'lash-web/worker';
import { int, maximum, parse, positive, strictObject } from 'zod/mini';

const MAX_SECONDS = 3600;
const Countdown = strictObject({ endsAt: int().check(positive()) });

/**
 * A countdown that runs in the background: the model begins it and the person goes on. It belongs to the chat, not to a tab: another
 * tab shows it, and goes on with it where the one is closed that ran it.
 */
export function countdownPlugin(): Plugin {
  return definePlugin({
    id: 'countdown',
    version: 1,
    hooks: {
      backgroundTasks: [
        {
          name: 'countdown',
          policies: { lost: 'resume' },
          maxAttempts: 100,
          run: async (input, context) => {
            await countDown(parse(Countdown, input).endsAt, context);
            return { over: true };
          },
        },
      ],
      tools: [
        defineTool({
          name: 'countdown',
          description: `Counts down a number of seconds, ${MAX_SECONDS} at most, in the background, and answers at once.`,
          input: strictObject({ seconds: int().check(positive(), maximum(MAX_SECONDS)) }),
          execute: async ({ seconds }, { tasks }) => {
            const title = `Countdown of ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`;
            const input = { endsAt: Date.now() + seconds * 1000 };
            const task = await tasks?.start({ name: 'countdown', producer: 'model', title, input });
            return { task_id: task?.id ?? null };
          },
        }),
      ],
    },
  });
}

/** Says each second how many are left. Its time is what the clock says, so that one that is begun again ends when it should. */
async function countDown(endsAt: number, { progress, signal }: BackgroundTaskContext): Promise<void> {
  for (;;) {
    const left = Math.ceil((endsAt - Date.now()) / 1000);
    if (left <= 0) return;
    progress(`${left} s left`);
    await pause(Math.min(1000, endsAt - Date.now()), signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve) => {
    const go = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', go);
      resolve();
    };
    const timer = setTimeout(go, ms);
    signal.addEventListener('abort', go);
  });
  signal.throwIfAborted();
}
