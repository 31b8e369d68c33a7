import { AxeBuilder } from '@axe-core/playwright';

import { expect, test } from './fixtures.ts';

test('[BH3][BH4] a countdown runs in the background, is shown in every tab, goes on when its tab is closed, and is stopped', async ({
  demo,
  otherTab,
  page,
}) => {
  await demo.open();
  const tasks = page.getByTestId('tasks');
  await demo.say('Count down 50 minutes in the background');
  await expect(tasks.getByTestId('task')).toContainText('Countdown of 3000 seconds');
  await expect(tasks).toContainText(/2\d\d\d s left/);
  await demo.settled();
  await demo.say('Calculate 6 * 7');
  await expect(demo.answers.last()).toContainText('42');
  await demo.say('List what runs in the background');
  await expect(demo.answers.last()).toContainText('Countdown of 3000 seconds');
  const { violations } = await new AxeBuilder({ page }).include('[data-testid=tasks]').analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);

  await otherTab.open(demo.sessionId());
  const there = otherTab.page.getByTestId('tasks');
  await expect(there).toContainText(/2\d\d\d s left/);
  await page.reload();
  await expect(tasks).toContainText(/2\d\d\d s left/);

  await there.getByRole('button', { name: 'Stop Countdown of 3000 seconds' }).click();
  await expect(there.getByTestId('task')).toHaveAttribute('data-state', 'cancelled');
  await expect(tasks.getByTestId('task')).toHaveAttribute('data-state', 'cancelled');
  await expect(otherTab.page.getByTestId('announcement')).toHaveText('Countdown of 3000 seconds: stopped.');
  await expect(there.getByTestId('task-stop')).toHaveCount(0);
});

test('[BH3] a countdown that is over says so', async ({ demo, page }) => {
  await demo.open();
  await demo.say('Count down 15 seconds in the background');
  // What is said of its end is what was said last.
  await demo.settled();
  await expect(page.getByTestId('task')).toHaveAttribute('data-state', 'completed');
  await expect(page.getByTestId('announcement')).toHaveText('Countdown of 15 seconds: done.');
  await expect(page.getByTestId('tasks')).toContainText('0 running');
  await demo.say('Calculate 6 * 7');
  await expect(page.getByTestId('tasks')).toHaveCount(0);
  await expect(demo.traceRows('custom')).toContainText(['task running', 'task completed']);
});
