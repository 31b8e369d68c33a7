import { AxeBuilder } from '@axe-core/playwright';

import { expect, test } from './fixtures.ts';

test('[PS1][PS2] a plan that a plugin keeps is shown, ticked off by model and person, in every tab, again after a reload, and thrown away', async ({
  demo,
  otherTab,
  page,
}) => {
  await demo.open();
  const plan = page.getByTestId('plan');
  const step = (name: string) => plan.getByRole('checkbox', { name });
  await demo.say('Plan: bread, milk and eggs');
  await expect(plan).toContainText('0 of 3 done');
  await demo.say('Tick off milk');
  await expect(step('milk')).toBeChecked();
  await expect(step('bread')).toBeEnabled();
  await step('bread').click();
  await expect(plan).toContainText('2 of 3 done');
  const { violations } = await new AxeBuilder({ page }).include('[data-testid=plan]').analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);

  await page.reload();
  await expect(plan).toContainText('2 of 3 done');
  await otherTab.open(demo.sessionId());
  await expect(otherTab.page.getByTestId('plan')).toContainText('2 of 3 done');

  await page.getByTestId('plan-clear').click();
  await expect(plan).toHaveCount(0);
  await expect(otherTab.page.getByTestId('plan')).toHaveCount(0);
});
