import { textFile } from './demo.ts';
import { expect, test } from './fixtures.ts';

test('the built-in model calculates two things at once, reads a text file, and says plainly what it is', async ({
  demo,
}) => {
  await demo.open();
  await demo.say('Calculate 12 * 7 and (144 - 36) / 9');
  await expect(demo.tool('calculator')).toHaveCount(2);
  for (const [index, result] of ['84', '12'].entries()) {
    await expect(demo.tool('calculator').nth(index)).toHaveAttribute('data-state', 'success');
    await expect(demo.tool('calculator').nth(index)).toContainText(result);
  }
  await demo.settled();
  await expect(demo.answers.last()).toContainText('84');
  await expect(demo.answers.last()).toContainText('12');
  await expect(demo.page.getByTestId('usage')).toContainText(/[1-9][\d,]*\s+tokens/);

  await demo.say('Read the attached file', [textFile('list.txt', 'eggs, flour and a heron')]);
  await expect(demo.questions.last()).toContainText('list.txt');
  await expect(demo.tool('read_file')).toHaveAttribute('data-state', 'success');
  await demo.settled();
  await expect(demo.answers.last()).toContainText('eggs, flour and a heron');

  await demo.say('Who are you?');
  await demo.settled();
  await expect(demo.answers.last()).toContainText(/built-in model.*fixed rules/);
});

test('the built-in model notes something down and recalls it in another chat, after a reload', async ({
  demo,
}) => {
  await demo.open();
  await demo.say('Remember that the meeting is on Thursday at 10');
  await expect(demo.tool('remember')).toHaveAttribute('data-state', 'success');
  await demo.settled();
  await demo.reload();
  await expect(demo.tool('remember')).toHaveAttribute('data-state', 'success');
  await demo.page.getByTestId('new-session').click();
  await expect(demo.sessions).toHaveCount(2);
  await expect(demo.messages).toHaveCount(0);
  await demo.say('Recall the meeting');
  await expect(demo.tool('recall')).toHaveAttribute('data-state', 'success');
  await demo.settled();
  await expect(demo.answers.last()).toContainText('Thursday at 10');
  await expect(demo.error).toHaveCount(0);
});
