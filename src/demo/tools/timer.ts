import { defineTool } from 'lash-web/worker';
import { int, maximum, positive, strictObject } from 'zod/mini';

const MAX_SECONDS = 600;

/**
 * `timer`: waits as long as it is told to, or until the turn is stopped. A timer that was interrupted, since its tab was
 * closed, runs anew, from the beginning.
 */
export const timer = defineTool({
  name: 'timer',
  description: `Waits for a number of seconds, ${MAX_SECONDS} at most, and then says that they are over.`,
  input: strictObject({ seconds: int().check(positive(), maximum(MAX_SECONDS)) }),
  replay: 'safe',
  execute: async ({ seconds }, { signal }) => {
    await new Promise<void>((resolve, reject) => {
      const ring = setTimeout(resolve, seconds * 1000);
      const stop = (): void => {
        clearTimeout(ring);
        reject(signal.reason as Error);
      };
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
    return { seconds, over: true };
  },
});
