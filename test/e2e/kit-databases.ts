import type { Page } from '@playwright/test';

/** The databases that the kit has not thrown away yet. */
export async function kitDatabases(page: Page): Promise<readonly string[]> {
  return await page.evaluate(async () => {
    const databases = await indexedDB.databases();
    return databases.map(({ name }) => name ?? '').filter((name) => name.startsWith('lash-demo-kit-'));
  });
}
