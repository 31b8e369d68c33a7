import { type Demo, textFile } from './demo.ts';
import { expect, test } from './fixtures.ts';
import type { ModelServer } from './model-server.ts';
import {
  breaksOff,
  endsEarly,
  hangsUp,
  held,
  nothing,
  type Play,
  refusal,
  rubbish,
  webPage,
} from './plays.ts';

/** Fails three times in a way that is tried again at once, and then as the last attempt that there is. */
const atLast = (play: Play): readonly Play[] => {
  const busy = refusal(503, { retryAfter: 0 });
  return [busy, busy, busy, play];
};

interface Failure {
  readonly what: string;
  readonly plays: readonly Play[];
  readonly code: string | RegExp;
  readonly words: RegExp;
}

const REFUSALS: readonly Failure[] = [
  {
    what: 'refuses the key (401)',
    plays: [refusal(401)],
    code: 'ProviderUnauthorized',
    words: /key.*settings/i,
  },
  {
    what: 'has a fault of its own (500)',
    plays: atLast(refusal(500)),
    code: 'ProviderUnavailable',
    words: /problem of its own \(500\)/,
  },
  {
    what: 'sends rubbish',
    plays: atLast(rubbish),
    code: 'ProviderStreamInvalid',
    words: /cannot be understood/,
  },
  {
    what: 'sends a web page',
    plays: atLast(webPage),
    code: /^ProviderStream/,
    words: /cannot be understood|broke off/,
  },
  {
    what: 'sends nothing at all',
    plays: atLast(nothing),
    code: 'ProviderEmptyResponse',
    words: /nothing at all/,
  },
  // The last one: whoever asks the same server afterwards waits as long.
  {
    what: 'is asked too often (429) and wants a long wait',
    plays: [refusal(429, { retryAfter: 125 })],
    code: 'ProviderRateLimited',
    words: /2 min 5 s/,
  },
];

const BREAKS: readonly Failure[] = [
  {
    what: 'does not answer',
    // Browsers ask again on their own when a connection breaks.
    plays: [...atLast(hangsUp), ...Array.from({ length: 12 }, () => hangsUp)],
    code: 'ProviderUnavailable',
    words: /cannot be reached/,
  },
  {
    what: 'ends the stream early',
    plays: atLast(endsEarly('I was going to')),
    code: 'ProviderStreamInterrupted',
    words: /broke off/,
  },
  {
    what: 'is cut off',
    plays: atLast(breaksOff('I was going to')),
    code: 'ProviderStreamInterrupted',
    words: /broke off/,
  },
];

test('a model server that refuses or answers nonsense: said in plain words, nothing lost, and each session goes on', async ({
  demo,
  server,
}) => {
  await expectToSurvive(REFUSALS, demo, server);
});

test('a connection that breaks: said in plain words, nothing lost, and each session goes on @engines', async ({
  demo,
  server,
}) => {
  await expectToSurvive(BREAKS, demo, server);
});

/** Lets a question fail in each of these ways, a session each; after a reload each of them goes on. */
async function expectToSurvive(failures: readonly Failure[], demo: Demo, server: ModelServer): Promise<void> {
  const { page } = demo;
  await demo.open();
  await demo.useServer(server);
  const sessions: string[] = [];
  for (const { what, plays, code, words } of failures) {
    await test.step(`the server ${what}`, async () => {
      await page.getByTestId('new-session').click();
      await expect(demo.sessions).toHaveCount(sessions.length + 1);
      await expect(demo.error).toHaveCount(0);
      server.reset();
      server.plays(...plays);
      await demo.say('Are you there?');
      await expect(demo.error).toHaveAttribute('data-code', code);
      await expect(page.getByRole('alert')).toContainText(words);
      await demo.settled();
      await expect(demo.messages).toHaveText([/Are you there\?/]);
      await expect(demo.live).toHaveCount(0);
      sessions.push(demo.sessionId());
    });
  }
  await demo.reload();
  server.reset();
  server.answers('Are you there', { content: 'Now I am.' });
  for (const session of sessions) {
    await demo.sessionItem(session).getByRole('link').click();
    await expect(demo.messages).toHaveText([/Are you there\?/]);
    await page.getByTestId('continue').click();
    await expect(demo.messages).toHaveText([/Are you there\?/, /Now I am\./]);
    await expect(demo.error).toHaveCount(0);
    await demo.settled();
    // It moves to the top of the list, and so the others down, a moment later.
    await expect(demo.sessions.first()).toHaveAttribute('data-session-id', session);
  }
}

test('[TU7] what a failed attempt said is withdrawn when the next one begins', async ({ demo, server }) => {
  await demo.open();
  await demo.useServer(server);
  const second = held('The right', ' answer.');
  server.plays(endsEarly('A wrong start'), second.play);
  await demo.say('Are you there?');
  await expect(demo.live).toContainText('The right');
  await expect(demo.live).not.toContainText('A wrong start');
  second.release();
  await expect(demo.answers).toHaveText([/The right answer\./]);
  await expect(demo.answers).not.toContainText('A wrong start');
  await expect(demo.error).toHaveCount(0);
});

test('[TU5] a turn that waits before it tries again says so, and is stopped at once', async ({
  demo,
  server,
  page,
}) => {
  await demo.open();
  await demo.useServer(server);
  server.plays(refusal(429, { retryAfter: 50 }));
  await demo.say('Are you there?');
  await expect(page.getByTestId('retry')).toContainText(/takes no more requests.*Trying again in 50\.0 s/s);
  await demo.stop.click();
  await demo.settled();
  await expect(demo.error).toHaveCount(0);
  await page.getByTestId('continue').click();
  await expect(page.getByTestId('turn-wait')).toContainText(/no more requests until .* goes on by itself/);
  await demo.stop.click();
  await demo.settled();
  await expect(demo.error).toHaveCount(0);
});

test('a chat that does not exist: said in plain words, none is made, and its address is left by going back', async ({
  demo,
  page,
}) => {
  await demo.open('no-such-session');
  await expect(demo.error).toHaveAttribute('data-code', 'SessionNotFound');
  await expect(demo.error).toContainText('There is no such chat');
  await expect(demo.sessions).toHaveCount(0);
  await page.getByTestId('new-session').click();
  await expect(demo.sessions).toHaveCount(1);
  await expect(demo.error).toHaveCount(0);
  const sessionId = demo.sessionId();
  await demo.visit('no-such-session');
  await expect(demo.error).toHaveAttribute('data-code', 'SessionNotFound');
  await page.goBack();
  await expect(demo.error).toHaveCount(0);
  await expect.poll(() => demo.sessionId()).toBe(sessionId);
});

test('a tool that does not exist, and wrong arguments: the model is told, and the turn goes on', async ({
  demo,
  server,
}) => {
  await demo.open();
  await demo.useServer(server);
  server.answers('Use your tools', {
    toolCalls: [
      { name: 'teleport', arguments: '{"to":"Mars"}' },
      { name: 'calculator', arguments: '{"formula":"1 + 1"}' },
      { name: 'calculator', arguments: '{"expression":"1 + 1"}' },
    ],
    content: 'Two of them failed.',
  });
  await demo.say('Use your tools.');
  await expect(demo.tool('teleport')).toHaveAttribute('data-state', 'failure');
  await expect(demo.tool('calculator').nth(0)).toHaveAttribute('data-state', 'failure');
  await expect(demo.tool('calculator').nth(1)).toHaveAttribute('data-state', 'success');
  await expect(demo.answers.last()).toContainText('Two of them failed.');
  const told = server.requests.at(-1)?.messages.filter(({ role }) => role === 'tool');
  expect(told?.map(({ content }) => content)).toEqual([
    expect.stringContaining('teleport'),
    expect.stringContaining('expression'),
    expect.stringContaining('2'),
  ]);
  await expect(demo.error).toHaveCount(0);
});

test('a file over the limit: said in plain words, and the draft stays', async ({ demo, server, page }) => {
  await demo.open();
  await demo.useServer(server);
  await demo.composer.fill('Look at this');
  await demo.attach([textFile('small.txt', 'small')]);
  // Made in the page, since it takes a driver seconds to hand over so much.
  await page.getByTestId('attach').evaluate((field: HTMLInputElement) => {
    const chosen = new DataTransfer();
    chosen.items.add(new File(['a'.repeat(10 * 1024 * 1024 + 1)], 'large.txt', { type: 'text/plain' }));
    field.files = chosen.files;
    field.dispatchEvent(new Event('change'));
  });
  await expect(demo.error).toHaveAttribute('data-code', 'AttachmentTooLarge');
  await expect(demo.error).toContainText(/too large: 10 MB, and the limit is 10 MB/);
  await expect(demo.composer).toHaveValue('Look at this');
  await expect(page.locator('form').getByTestId('attachment')).toHaveText([/small\.txt/]);
  server.answers('Look at this', { content: 'I see.' });
  await demo.send.click();
  await expect(demo.answers).toHaveText([/I see\./]);
  await expect(demo.questions).toHaveText([/small\.txt[^]*Look at this/]);
  await expect(demo.error).toHaveCount(0);
});

test('a worker script that does not load: said in plain words, and it can be tried again', async ({
  demo,
  page,
}) => {
  await demo.open();
  await demo.say('Who are you?');
  await demo.settled();
  const sessionId = demo.sessionId();
  await page.route(/agent\.worker/, (route) => route.abort());
  await page.reload();
  await expect(demo.error).toHaveAttribute('data-code', 'WorkerLoadFailed');
  await expect(demo.error).toContainText('did not start');
  await expect(demo.status).not.toHaveText('ready');
  await page.unroute(/agent\.worker/);
  await page.getByTestId('reconnect').click();
  await expect(demo.status).toHaveText('ready');
  await expect(demo.error).toHaveCount(0);
  await expect(demo.questions).toHaveText([/Who are you\?/]);
  expect(demo.sessionId()).toBe(sessionId);
});
