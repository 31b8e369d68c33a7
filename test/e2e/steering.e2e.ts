import { expect, test } from './fixtures.ts';
import { held } from './plays.ts';

test('[TU10] a message into the running answer is read in its next step; others wait, in every tab, are moved, taken back, and answered in turn', async ({
  demo,
  otherTab,
  server,
  page,
}) => {
  const answer = held('It begins', ' and it ends.');
  server.plays(answer.play);
  server.answers('with a fox', { content: 'A fox came by.' });
  server.answers('second', { content: 'This is the second.' });
  server.answers('third', { content: 'This is the third.' });
  await demo.open();
  await demo.useServer(server);
  await demo.say('Tell me a story');
  await expect(demo.live).toContainText('It begins');

  await demo.composer.fill('The second one');
  await page.keyboard.press('Enter');
  await expect(demo.queued).toHaveText([/Next.*The second one/s]);
  await expect(demo.composer).toHaveValue('');
  await expect(page.getByTestId('announcement')).toContainText('answered after this answer');
  for (const text of ['Never mind', 'The third one']) {
    await demo.composer.fill(text);
    await demo.send.click();
    await expect(demo.queued.last()).toContainText(text);
  }
  await demo.composer.fill('Make it one with a fox');
  await page.getByTestId('inject').click();
  await expect(demo.queued.last()).toHaveText(/Into this answer.*with a fox/s);
  await expect(demo.stop).toBeVisible();
  await expect(demo.queued.last().getByTestId('queue-cancel')).toBeInViewport({ ratio: 1 });

  const third = demo.queued.filter({ hasText: 'third' }).getByTestId('queue-up');
  await third.click();
  await expect(demo.queued).toHaveText([/second/, /third/, /Never mind/, /fox/]);
  await third.click();
  await expect(demo.queued).toHaveText([/third/, /second/, /Never mind/, /fox/]);
  await expect(demo.queued.first().getByTestId('queue-down')).toBeFocused();
  await demo.queued.filter({ hasText: 'Never mind' }).getByTestId('queue-cancel').click();
  await expect(demo.queued).toHaveText([/third/, /second/, /fox/]);
  await expect(demo.composer).toHaveValue('Never mind');

  await otherTab.page.bringToFront();
  await otherTab.open(demo.sessionId());
  await expect(otherTab.queued).toHaveText([/third/, /second/, /fox/]);
  await otherTab.queued.filter({ hasText: 'second' }).getByTestId('queue-up').click();
  await expect(otherTab.queued).toHaveText([/second/, /third/, /fox/]);
  await demo.page.bringToFront();
  await expect(demo.queued).toHaveText([/second/, /third/, /fox/]);

  // What is pressed as an answer ends is what was under the pointer before.
  const place = await demo.send.boundingBox();
  answer.release();
  await expect(demo.questions).toHaveText([/a story/, /with a fox/, /second/, /third/]);
  await expect(demo.answers).toHaveText([
    /It begins and it ends\./,
    /A fox came by\./,
    /This is the second\./,
    /This is the third\./,
  ]);
  await demo.settled();
  await expect(demo.queued).toHaveCount(0);
  await expect(demo.endedTurns).toHaveCount(3);
  expect(await demo.send.boundingBox()).toEqual(place);
  const [steered] = server.requests;
  expect(steered?.messages.slice(-2)).toMatchObject([{ role: 'assistant' }, { role: 'user' }]);
  expect(JSON.stringify(steered?.messages)).toContain('It begins and it ends.');
  await expect(demo.error).toHaveCount(0);
});
