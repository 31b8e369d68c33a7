import type { Page } from '@playwright/test';

/** Keeps the page's calls of this name from the worker until the returned function is called. */
export async function holdCalls(page: Page, name: string): Promise<() => Promise<void>> {
  const held = await page.evaluateHandle((held) => {
    const { prototype } = MessagePort;
    const send = Reflect.get(prototype, 'postMessage') as (...message: unknown[]) => void;
    const waiting: (() => void)[] = [];
    prototype.postMessage = function (...message: unknown[]) {
      const go = (): void => send.apply(this, message);
      const [call] = message as [{ readonly path?: readonly string[] } | null];
      if (call?.path?.[0] === held) waiting.push(go);
      else go();
    };
    return {
      letGo: () => {
        prototype.postMessage = send;
        for (const go of waiting) go();
      },
    };
  }, name);
  return async () => {
    await held.evaluate(({ letGo }) => letGo());
  };
}
