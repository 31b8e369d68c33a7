import { AxeBuilder } from '@axe-core/playwright';

import { expect, test } from './fixtures.ts';
import { holdNotes } from './hold-notes.ts';

test('[CH1] helpers work at the same time, are seen at work inside their calls, and are children in no list', async ({
  demo,
  page,
}) => {
  await demo.open();
  const letGo = await holdNotes(page, demo.database);
  await demo.say('Ask helpers to recall the cat; tell a long story');
  const calls = demo.tool('spawn_agent');
  await expect(calls.last().getByTestId('agent-text')).not.toBeEmpty();
  await expect(calls).toHaveCount(2);
  await expect(calls.first()).toHaveAttribute('data-state', 'running');
  await expect(calls.first()).toContainText('runs recall');
  const { violations } = await new AxeBuilder({ page }).include('[data-tool=spawn_agent]').analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
  await letGo();
  await expect(calls.first()).toHaveAttribute('data-state', 'success');
  await expect(demo.sessions).toHaveCount(1);
});

test('[TU11] what a helper asks is allowed where its call is seen', async ({ demo, page }) => {
  await demo.open();
  await demo.say('Remember that my cat is called Tom');
  await demo.settled();
  await demo.say('Ask a helper to forget my cat');
  await expect(demo.waits).toContainText('forget');
  await page.getByTestId('approve').click();
  await expect(demo.tool('spawn_agent')).toHaveAttribute('data-state', 'success');
  await expect(demo.answers.last()).toContainText('deleted');
});
