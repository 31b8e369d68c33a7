import { RawChromium } from '../support/raw-chromium.ts';
import { expect, test } from './fixtures.ts';
import { answer as whole, held } from './plays.ts';
import { RawDemo } from './raw-demo.ts';

const QUESTIONS = '[data-role=user] .said';
const ANSWERS = '[data-node-id][data-role=assistant] .prose';
const LIVE = '[data-status=streaming] .prose';

test('[WS2][WS3][WS6] a tab frozen in the middle of an answer is overtaken by one that goes on with it, and follows when it wakes', async ({
  server,
  baseURL,
}) => {
  const browser = await RawChromium.launch();
  if (browser === undefined) return test.skip(true, 'Playwright’s own Chromium is not started raw');
  try {
    const frozen = await RawDemo.open(browser, `${baseURL}/?db=e2e-${crypto.randomUUID()}`);
    await frozen.useServer(server);
    const answer = held('It begins', ' and it ends.');
    server.plays(answer.play);
    await frozen.say('Tell me a story');
    await frozen.expectTexts(LIVE, ['It begins']);

    const other = await RawDemo.open(browser, await frozen.address());
    await other.expectTexts(LIVE, ['It begins']);
    await expect.poll(() => frozen.isHidden()).toBe(true);
    await frozen.tab.freeze(true);
    await other.expectNobodyRuns();
    // A tab that went on would finish now, and keep what the other one wants.
    answer.release();
    const next = held('Come', ' in.');
    server.plays(whole('It goes on.'), next.play);
    await other.say('Let me in');
    await other.expectTexts(ANSWERS, ['It goes on.']);
    next.release();
    await other.expectTexts(QUESTIONS, ['Tell me a story', 'Let me in']);
    await other.expectTexts(ANSWERS, ['It goes on.', 'Come in.']);
    await other.expectTexts('[data-testid=error]', []);
    const nodes = await other.nodeIds();

    await frozen.tab.freeze(false);
    await frozen.tab.show();
    await frozen.expectTexts(ANSWERS, ['It goes on.', 'Come in.']);
    await frozen.expectTexts(QUESTIONS, ['Tell me a story', 'Let me in']);
    await frozen.expectTexts(LIVE, []);
    await frozen.expectTexts('[data-testid=error]', []);
    expect(await frozen.nodeIds()).toEqual(nodes);

    server.answers('And now', { content: 'Now you.' });
    await frozen.say('And now?');
    await frozen.expectTexts(ANSWERS, ['It goes on.', 'Come in.', 'Now you.']);
    await other.tab.show();
    await other.expectTexts(ANSWERS, ['It goes on.', 'Come in.', 'Now you.']);
    const reopened = await RawDemo.open(browser, await other.address());
    await reopened.expectTexts(QUESTIONS, ['Tell me a story', 'Let me in', 'And now?']);
    expect((await reopened.nodeIds()).slice(0, nodes.length)).toEqual(nodes);
    expect(await reopened.nodeIds()).toEqual(await other.nodeIds());
  } finally {
    await browser.close();
  }
});
