/** How long a ping may stay without an answer, in milliseconds of the page's own waking time. */
export const SILENCE_MS = 10_000;
/** How long after an answer the next ping is sent. */
const PING_EVERY_MS = 3000;
const STEP_MS = 1000;
/** A step that took longer shows that the page itself did not run: it was frozen, hidden or busy. */
const PAUSE_MS = 2500;

/**
 * Pings again and again, and calls `onSilence` once when there is no answer (law WB2). Time is counted in small steps and
 * anew after each pause, since a page that did not run could not hear an answer either. The returned function ends it.
 */
export function watchPulse(ping: () => Promise<unknown>, onSilence: () => void): () => void {
  let asked = false;
  let waited = 0;
  let last = performance.now();
  const answered = (): void => {
    asked = false;
    waited = 0;
  };
  const step = (): void => {
    const now = performance.now();
    waited = now - last > PAUSE_MS ? 0 : waited + now - last;
    last = now;
    if (asked && waited >= SILENCE_MS) {
      clearInterval(timer);
      onSilence();
    } else if (!asked && waited >= PING_EVERY_MS) {
      asked = true;
      waited = 0;
      ping().then(answered, answered);
    }
  };
  const timer = setInterval(step, STEP_MS);
  return () => clearInterval(timer);
}
