import { expect, test } from './fixtures.ts';

test('[TU11] a question of one tab survives a reload, is answered in another one, and both see what comes of it', async ({
  demo,
  otherTab,
}) => {
  await demo.open();
  await demo.say('Remember that the meeting is on Thursday at 10');
  await demo.settled();
  await demo.say('Forget the meeting');
  await expect(demo.waits).toHaveAttribute('data-kind', 'approval');
  await expect(demo.waits).toContainText('forget');
  await expect(demo.tool('forget')).toHaveAttribute('data-state', 'waiting');
  await demo.reload();
  await expect(demo.waits).toHaveCount(1);

  await otherTab.page.bringToFront();
  await otherTab.open(demo.sessionId());
  await expect(otherTab.waits).toContainText('meeting');
  await otherTab.page.getByTestId('decline').click();
  await expect(otherTab.answers.last()).toContainText('declined by the reader');
  await demo.page.bringToFront();
  await expect(demo.waits).toHaveCount(0);
  await expect(demo.answers.last()).toContainText('declined by the reader');
  await demo.settled();

  await demo.say('Forget the meeting');
  await expect(demo.waits).toHaveCount(1);
  await otherTab.page.bringToFront();
  await otherTab.page.getByTestId('approve').click();
  await expect(otherTab.answers.last()).toContainText('I deleted the note about meeting.');
  await demo.page.bringToFront();
  await expect(demo.answers.last()).toContainText('I deleted the note about meeting.');
  await expect(demo.waits).toHaveCount(0);
  await demo.settled();
  await demo.say('Recall the meeting');
  await expect(demo.answers.last()).toContainText('Nothing is noted down');
  for (const tab of [demo, otherTab]) {
    await expect(tab.tool('forget')).toHaveCount(2);
    await expect(tab.endedTurns).toHaveCount(4);
    await expect(tab.error).toHaveCount(0);
  }
});
