import type { Page } from '@playwright/test';

/**
 * Makes everybody wait who wants to read or write these stores of a database, until the returned function is called: a
 * transaction of the page lies over them for that long.
 */
export async function holdStores(
  page: Page,
  database: string,
  stores: readonly string[],
): Promise<() => Promise<void>> {
  const held = await page.evaluateHandle(
    async ([name, names]) => {
      const opened = indexedDB.open(name);
      await new Promise((resolve) => opened.addEventListener('success', resolve));
      const transaction = opened.result.transaction(names, 'readwrite');
      const state = { letGo: false };
      const stay = (): void => {
        if (!state.letGo)
          transaction
            .objectStore(names[0] ?? '')
            .count()
            .addEventListener('success', stay);
      };
      stay();
      transaction.addEventListener('complete', () => opened.result.close());
      return state;
    },
    [database, [...stores]] as const,
  );
  return async () => {
    await held.evaluate((state) => {
      state.letGo = true;
    });
  };
}
