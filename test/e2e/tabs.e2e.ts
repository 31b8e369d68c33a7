import { expect, test } from './fixtures.ts';
import { held } from './plays.ts';

test('[FO2] a second tab follows an answer as it is written, and what is stored is the same in both @engines', async ({
  demo,
  otherTab,
  server,
}) => {
  await demo.open();
  await demo.useServer(server);
  const answer = held('It begins', ' and it ends.');
  server.plays(answer.play);
  await demo.say('Tell me a story');
  await expect(demo.live).toContainText('It begins');

  await otherTab.page.bringToFront();
  await otherTab.open(demo.sessionId());
  await expect(otherTab.live).toContainText('It begins');
  await expect(otherTab.page.getByTestId('tab-notice')).toContainText('Another tab is writing this chat');
  await expect(otherTab.stop).toBeVisible();
  await expect(otherTab.traceRows('llm_call_started')).toHaveCount(1);
  await expect(otherTab.endedTurns).toHaveCount(0);
  answer.release();
  await expect(otherTab.answers).toHaveText([/It begins and it ends\./]);
  await expect(otherTab.live).toHaveCount(0);
  await expect(otherTab.endedTurns).toHaveText([/assistant message/]);
  const nodes = await otherTab.nodeIds();
  await demo.page.bringToFront();
  await demo.settled();
  expect(await demo.nodeIds()).toEqual(nodes);
});

test('[WS2] the tab that sends is the one that writes; an idle one gives way at once', async ({
  demo,
  otherTab,
  server,
}) => {
  await demo.open();
  await demo.useServer(server);
  server.answers('one', { content: 'First.' });
  server.answers('two', { content: 'Second.' });
  await demo.say('Say one');
  await demo.settled();

  await otherTab.page.bringToFront();
  await otherTab.open(demo.sessionId());
  await expect(otherTab.answers).toHaveText([/First\./]);
  await otherTab.say('Say two');
  await expect(otherTab.answers).toHaveText([/First\./, /Second\./]);
  await otherTab.settled();
  await expect(otherTab.error).toHaveCount(0);

  await demo.page.bringToFront();
  await expect(demo.answers).toHaveText([/First\./, /Second\./]);
  await expect(demo.endedTurns).toHaveCount(2);
  const takeOver = demo.page.getByTestId('take-over');
  await expect(takeOver.or(demo.page.getByTestId('composer')).first()).toBeVisible();
  await demo.say('Say one again');
  await expect(demo.answers).toHaveCount(3);
  await expect(demo.error).toHaveCount(0);
  await otherTab.page.bringToFront();
  await expect(otherTab.answers).toHaveCount(3);
});

test('[WS5][WS6] a tab in the middle of an answer keeps the chat, until it is taken over by force @engines', async ({
  demo,
  otherTab,
  server,
}) => {
  await demo.open();
  await demo.useServer(server);
  const answer = held('It begins', ' and never ends.');
  server.plays(answer.play);
  await demo.say('Tell me a story');
  await expect(demo.live).toContainText('It begins');

  const { page } = otherTab;
  await page.bringToFront();
  await otherTab.open(demo.sessionId());
  await expect(otherTab.questions).toHaveText([/Tell me a story/]);
  await otherTab.composer.fill('Let me in');
  await otherTab.send.click();
  await expect(otherTab.queued).toHaveText([/Let me in/]);
  await expect(otherTab.error).toHaveCount(0);
  await page.getByTestId('take-over').click();
  await expect(page.getByTestId('tab-notice')).toContainText('goes on with that answer');
  await expect(otherTab.error).toHaveCount(0);
  server.answers('Tell me', { content: 'It goes on.' });
  server.answers('Let me in', { content: 'Come in.' });
  await page.getByTestId('take-over-anyway').click();
  await expect(page.getByTestId('tab-notice')).toHaveCount(0);
  await expect(otherTab.error).toHaveCount(0);
  await expect(otherTab.answers).toHaveText([/It goes on\./, /Come in\./]);
  await expect(otherTab.questions).toHaveText([/Tell me a story/, /Let me in/]);
  const nodes = await otherTab.nodeIds();

  await demo.page.bringToFront();
  await expect(demo.answers).toHaveText([/It goes on\./, /Come in\./]);
  await expect(demo.error).toHaveCount(0);
  expect(await demo.nodeIds()).toEqual(nodes);
  await demo.settled();
  for (const tab of [demo, otherTab]) await expect(tab.endedTurns).toHaveCount(2);
});

test('a tab that is closed in the middle of an answer: the other one goes on with it, and its trace shows both calls', async ({
  demo,
  otherTab,
  server,
}) => {
  await demo.open();
  await demo.useServer(server);
  server.plays(held('It begins').play);
  await demo.say('Tell me a story');
  await expect(demo.live).toContainText('It begins');
  await otherTab.page.bringToFront();
  await otherTab.open(demo.sessionId());
  await expect(otherTab.traceRows('llm_call_started')).toHaveCount(1);

  server.answers('Tell me', { content: 'It goes on.' });
  await demo.page.close();
  await expect(otherTab.answers).toHaveText([/It goes on\./]);
  await expect(otherTab.endedTurns).toHaveCount(1);
  await expect(otherTab.traceRows('llm_call_started')).toHaveCount(2);
  await expect(otherTab.error).toHaveCount(0);
});
