import { expect, test } from './fixtures.ts';
import { kitDatabases } from './kit-databases.ts';

test('the kit passes in this browser, and throws its databases away', async ({ demo, page }) => {
  test.setTimeout(600_000);
  await demo.open();
  await demo.openStorage();
  await page.getByTestId('open-kit').click();
  await page.getByTestId('run-kit').click();
  const kit = page.getByTestId('kit-page');
  await expect(page.getByTestId('kit-summary')).toContainText('passed');
  await expect(kit).toHaveAttribute('data-state', 'done', { timeout: 540_000 });
  const failed = await page.locator('[data-testid="kit-case"][data-outcome="failed"]').allInnerTexts();
  expect(failed).toEqual([]);
  expect(await page.locator('[data-outcome="passed"]').count()).toBeGreaterThan(200);
  expect(await kitDatabases(page)).toEqual([]);
});
