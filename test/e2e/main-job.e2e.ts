import { picture } from './demo.ts';
import { expect, test } from './fixtures.ts';
import { holdNotes } from './hold-notes.ts';
import { held } from './plays.ts';

test('the main job: tools, a reload in the middle, a branch, a stop, and the trace of it all @engines', async ({
  demo,
  server,
  page,
}) => {
  server.answers('What is in the picture', {
    toolCalls: [
      { name: 'calculator', arguments: '{"expression":"6 * 7"}' },
      { name: 'remember', arguments: '{"key":"colour","value":"red"}' },
    ],
    content: 'It is **red**, and six times seven is 42.',
  });
  server.answers('And tell me', { content: 'That was all of it.' });
  server.answers('How red', { content: 'As red as it gets.' });

  await demo.open();
  await demo.useServer(server);

  await test.step('a turn with text, an image and two tool calls at once', async () => {
    const letGo = await holdNotes(page, demo.database);
    await demo.say('What is in the picture, and what is 6 * 7?', [picture('pixel.png')]);
    await expect(demo.questions.first().getByRole('img', { name: 'pixel.png' })).toBeVisible();
    await expect(demo.tool('calculator')).toHaveAttribute('data-state', 'success');
    await expect(demo.tool('remember')).toHaveAttribute('data-state', 'running');
    await letGo();
    await expect(demo.tool('remember')).toHaveAttribute('data-state', 'success');
    await expect(demo.answers.last()).toContainText('It is red, and six times seven is 42.');
    await demo.settled();
    await expect(demo.tool('calculator')).toContainText('42');

    const [first, second] = server.requests;
    expect(JSON.stringify(first?.messages)).toContain('data:image/png;base64,');
    expect(first?.stream_options).toEqual({ include_usage: true });
    const results = second?.messages.filter(({ role }) => role === 'tool');
    expect(results?.map(({ content }) => content)).toEqual([
      expect.stringContaining('42'),
      expect.stringContaining('colour'),
    ]);
  });
  await expect(demo.endedTurns).toHaveCount(1);
  await expect(page.getByTestId('usage')).toContainText(/[1-9][\d,]*\s+tokens/);
  await expect(page.getByTestId('storage-size')).toHaveText(/[1-9][\d.]*\s+(bytes|KB)/);
  const firstTurn = await demo.nodeIds();

  await test.step('a reload in the middle of an answer keeps what was said, and the model goes on', async () => {
    server.plays(held('Well, where shall I').play);
    await demo.say('And tell me the rest.');
    await expect(demo.live).toContainText('Well, where shall I');
    const before = await demo.nodeIds();
    await demo.reload();
    expect(before.slice(0, firstTurn.length)).toEqual(firstTurn);
    await expect(demo.tool('remember')).toHaveAttribute('data-state', 'success');
    await expect(demo.questions.first().getByRole('img', { name: 'pixel.png' })).toBeVisible();
    await expect(demo.answers.last()).toContainText('That was all of it.');
    await expect(page.getByTestId('continue')).toHaveCount(0);
    expect((await demo.nodeIds()).slice(0, before.length)).toEqual(before);
    await expect(demo.endedTurns).toHaveCount(2);
  });
  const old = await demo.nodeIds();

  await test.step('an edit of the first message is a branch beside it', async () => {
    await demo.questions.first().getByTestId('edit-message').click();
    await expect(demo.composer).toHaveValue('What is in the picture, and what is 6 * 7?');
    await demo.composer.fill('How red is it?');
    await demo.send.click();
    await expect(demo.answers).toHaveText([/As red as it gets\./]);
    await expect(demo.questions).toHaveCount(1);
    await expect(page.getByTestId('branch-label')).toHaveText('2/2');
    await expect(demo.questions.first().getByRole('img', { name: 'pixel.png' })).toBeVisible();
    await expect(demo.endedTurns).toHaveCount(3);
  });

  await test.step('‹ and › switch between the branches, which stay as they were', async () => {
    const edited = await demo.nodeIds();
    await page.getByTestId('branch-prev').click();
    await expect(page.getByTestId('branch-label')).toHaveText('1/2');
    expect(await demo.nodeIds()).toEqual(old);
    await demo.reload();
    await expect(page.getByTestId('branch-label')).toHaveText('1/2');
    expect(await demo.nodeIds()).toEqual(old);
    await page.getByTestId('branch-next').click();
    await expect(page.getByTestId('branch-label')).toHaveText('2/2');
    expect(await demo.nodeIds()).toEqual(edited);
  });

  await test.step('[TU5] a stopped answer stays, marked, and the server is told', async () => {
    const answer = held('This could take');
    server.plays(answer.play);
    await demo.say('Tell me everything.');
    await expect(demo.live).toContainText('This could take');
    await demo.stop.click();
    await answer.hungUp;
    await expect(demo.answers.last()).toHaveAttribute('data-status', 'cancelled');
    await expect(demo.answers.last()).toContainText('This could take');
    await expect(demo.error).toHaveCount(0);
    await demo.settled();
  });

  await test.step('each line of the downloaded trace is a record', async () => {
    const { fileName, records } = await demo.downloadTrace();
    expect(fileName).toMatch(/\.jsonl$/);
    expect(new Set(records.map(({ type }) => type))).toEqual(
      new Set([
        'turn_started',
        'prompt_built',
        'llm_call_started',
        'llm_call_completed',
        'llm_call_failed',
        'tool_call_started',
        'tool_call_completed',
        'turn_completed',
      ]),
    );
    expect(new Set(records.map(({ context }) => context.session_id))).toEqual(new Set([demo.sessionId()]));
    const ended = records.flatMap((record) => (record.type === 'turn_completed' ? [record.done_reason] : []));
    expect(ended).toEqual(['assistant_message', 'assistant_message', 'assistant_message', 'cancelled']);
    await expect(demo.endedTurns).toHaveCount(4);
    await expect(page.getByTestId('trace-row')).toHaveCount(records.length);
  });
});

test('an answer can be written anew, and both are kept', async ({ demo, server, page }) => {
  await demo.open();
  await demo.useServer(server);
  server.answers('Say a word', { content: 'Apple.' });
  await demo.say('Say a word.');
  await expect(demo.answers).toHaveText([/Apple\./]);
  await demo.settled();
  server.reset();
  server.answers('Say a word', { content: 'Pear.' });
  await page.getByTestId('regenerate').click();
  await expect(demo.answers).toHaveText([/Pear\./]);
  await expect(demo.answers.getByTestId('branch-label')).toHaveText('2/2');
  await expect(demo.questions).toHaveCount(1);
  await demo.answers.getByTestId('branch-prev').click();
  await expect(demo.answers).toHaveText([/Apple\./]);
  server.answers('Thank you', { content: 'You are welcome.' });
  await demo.say('Thank you.');
  await expect(demo.answers).toHaveText([/Apple\./, /You are welcome\./]);
  expect(JSON.stringify(server.requests.at(-1)?.messages)).toContain('Apple.');
  expect(JSON.stringify(server.requests.at(-1)?.messages)).not.toContain('Pear.');
});

test('an answer that was stopped is continued, and the model is told what it said', async ({
  demo,
  server,
  page,
}) => {
  await demo.open();
  await demo.useServer(server);
  server.plays(held('Once upon a').play);
  await demo.say('A story, please.');
  await expect(demo.live).toContainText('Once upon a');
  await demo.stop.click();
  await expect(demo.answers.last()).toHaveAttribute('data-status', 'cancelled');
  server.answers('A story', { content: 'time there was a tab.' });
  await page.getByTestId('continue').click();
  await expect(demo.answers.last()).toContainText('time there was a tab.');
  expect(JSON.stringify(server.requests.at(-1)?.messages)).toContain('Once upon a');
});

test('sessions are made, named, found again by list and by address, and deleted', async ({
  demo,
  server,
  page,
}) => {
  await demo.open();
  await demo.useServer(server);
  await expect(demo.sessions).toHaveCount(0);
  const made: string[] = [];
  for (const word of ['first', 'second']) {
    server.answers(word, { content: `You said ${word}.` });
    await page.getByTestId('new-session').click();
    await expect(demo.sessions).toHaveCount(made.length + 1);
    await demo.say(`The ${word} word`);
    await expect(demo.answers).toHaveText([new RegExp(`You said ${word}`)]);
    await demo.settled();
    made.push(demo.sessionId());
  }
  const [first = '', second = ''] = made;
  expect(first).not.toBe(second);

  await demo.sessionItem(first).getByRole('link').click();
  await expect(demo.answers).toHaveText([/You said first/]);
  expect(demo.sessionId()).toBe(first);
  await page.goBack();
  await expect(demo.answers).toHaveText([/You said second/]);

  await demo.sessionItem(first).hover();
  await demo.sessionItem(first).getByTestId('rename-session').click();
  await expect(demo.sessionItem(first).getByRole('textbox')).toBeFocused();
  await page.keyboard.type('Renamed by hand');
  await page.keyboard.press('Enter');
  await expect(demo.sessionItem(first)).toContainText('Renamed by hand');

  await demo.open(first);
  await demo.reload();
  await expect(demo.answers).toHaveText([/You said first/]);
  await expect(demo.sessionItem(first)).toContainText('Renamed by hand');

  await demo.sessionItem(first).hover();
  await demo.sessionItem(first).getByTestId('delete-session').click();
  await page.getByTestId('confirm-delete').click();
  await expect(demo.sessions).toHaveCount(1);
  await expect(demo.messages).toHaveCount(0);
  await demo.reload();
  await expect(demo.sessions).toHaveCount(1);
  await expect(demo.sessionItem(second)).toBeVisible();
  await demo.sessionItem(second).getByRole('link').click();
  await expect(demo.answers).toHaveText([/You said second/]);
});

test('asked for a new chat twice at once, it makes one, and what is typed meanwhile comes along', async ({
  demo,
  page,
}) => {
  await demo.open();
  await page.evaluate(() => {
    const button = document.querySelector<HTMLElement>('[data-testid=new-session]');
    button?.click();
    button?.click();
    const composer = document.querySelector<HTMLTextAreaElement>('[data-testid=composer]');
    if (composer === null) return;
    composer.value = 'Who are you?';
    composer.dispatchEvent(new InputEvent('input'));
  });
  await expect(demo.sessions).toHaveCount(1);
  await expect(demo.composer).toHaveValue('Who are you?');
  await demo.send.click();
  await expect(demo.answers).toHaveText([/built-in model/]);
  await expect(demo.sessions).toHaveCount(1);
});
