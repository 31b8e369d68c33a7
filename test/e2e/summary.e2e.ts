import { AxeBuilder } from '@axe-core/playwright';

import { expect, test } from './fixtures.ts';

const long = (topic: string): string => `About ${topic}: ${`${topic} is a long tale. `.repeat(270)}`;

test('[TU2] where the model reads a summary of what came before is marked, and what came before stays', async ({
  demo,
  page,
}) => {
  await demo.open();
  const mark = page.getByTestId('summary-mark');
  for (const topic of ['bread', 'milk', 'eggs', 'salt']) {
    await demo.say(long(topic));
    await demo.settled();
  }
  await expect(mark.first()).toBeVisible();
  await mark.first().locator('summary').click();
  await expect(mark.first()).toContainText('bread');
  await expect(demo.questions.first()).toContainText('bread');
  const { violations } = await new AxeBuilder({ page }).include('[data-testid=summary-mark]').analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
  await expect(demo.sessions).toHaveCount(1);
});
