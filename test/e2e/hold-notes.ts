import type { Page } from '@playwright/test';

/**
 * Makes the demo's tools for notes wait: whoever opens their database waits for the upgrade that this begins, and that
 * lasts until the returned function is called.
 */
export async function holdNotes(page: Page, database: string): Promise<() => Promise<void>> {
  await page.evaluate(async (name) => {
    const held = { letGo: false };
    Object.assign(globalThis, { heldNotes: held });
    const request = indexedDB.open(name, 1);
    await new Promise<void>((resolve, reject) => {
      request.addEventListener('error', () => reject(request.error ?? new Error('the notes did not open')));
      request.addEventListener('success', () => request.result.close());
      request.addEventListener('upgradeneeded', () => {
        const store = request.result.createObjectStore('notes');
        const stay = (): void => {
          if (!held.letGo) store.count().addEventListener('success', stay);
        };
        stay();
        resolve();
      });
    });
  }, `${database}-notes`);
  return async () => {
    await page.evaluate(() => Object.assign(Reflect.get(globalThis, 'heldNotes') as object, { letGo: true }));
  };
}
