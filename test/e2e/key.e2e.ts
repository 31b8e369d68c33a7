import { API_KEY } from '../support/canary.ts';
import { expect, test } from './fixtures.ts';
import { holdCalls } from './hold-calls.ts';
import { answer, held } from './plays.ts';

test('[TU11] after a reload in the middle of an answer the turn waits for the key, which is not stored, and goes on once it is given', async ({
  demo,
  server,
  page,
}) => {
  await demo.open();
  await demo.useServer(server, API_KEY);
  server.plays(held('It begins here.').play);
  await demo.say('Tell me a story');
  await expect(demo.live).toContainText('It begins');
  await demo.reload();
  await expect(demo.waits).toHaveAttribute('data-kind', 'credentials');
  await demo.composer.fill('And another one');
  await demo.send.click();
  await expect(demo.queued).toHaveText([/And another one/]);

  server.plays(answer('Once upon a time.'), answer('There was a tab.'));
  await demo.waits.getByRole('button', { name: 'Settings' }).click();
  await page.getByTestId('api-key').fill(API_KEY);
  await page.getByTestId('settings-save').click();
  await expect(demo.answers).toHaveText([/Once upon a time\./, /There was a tab\./]);
  await expect(demo.waits).toHaveCount(0);
  await demo.settled();
  await expect(demo.error).toHaveCount(0);
  expect(server.keys).toEqual([API_KEY, API_KEY, API_KEY].map((key) => `Bearer ${key}`));
});

test('what is sent right after the settings were saved goes to the model that was chosen', async ({
  demo,
  server,
  page,
}) => {
  await demo.open();
  const letGo = await holdCalls(page, 'setCredentials');
  await demo.useServer(server, API_KEY);
  server.answers('Who are you', { content: 'The server.' });
  await demo.say('Who are you?');
  await expect(demo.waits).toHaveAttribute('data-kind', 'credentials');
  await letGo();
  await expect(demo.answers).toHaveText([/The server\./]);
  await expect(demo.error).toHaveCount(0);
});
