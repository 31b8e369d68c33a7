import { expect, test } from './fixtures.ts';
import { kitDatabases } from './kit-databases.ts';

test('a run of the kit that is stopped leaves nothing behind, and another one can begin', async ({
  demo,
  page,
}) => {
  await demo.open();
  await demo.openStorage();
  await page.getByTestId('open-kit').click();
  const kit = page.getByTestId('kit-page');
  await page.getByTestId('run-kit').click();
  await expect.poll(() => page.locator('[data-outcome="passed"]').count()).toBeGreaterThan(5);
  await expect.poll(() => kitDatabases(page)).not.toEqual([]);
  await page.getByTestId('stop-kit').click();
  await expect(kit).toHaveAttribute('data-state', 'stopped');
  await expect.poll(() => kitDatabases(page)).toEqual([]);

  await page.getByTestId('run-mutants').click();
  await expect(kit).toHaveAttribute('data-state', 'done', { timeout: 240_000 });
  await expect(page.getByTestId('kit-summary')).toHaveText(/^(\d+) of \1 passed$/);
  await expect(demo.error).toHaveCount(0);
});
