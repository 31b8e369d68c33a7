import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { expect, test } from './fixtures.ts';
import type { ModelServer } from './model-server.ts';
import { held } from './plays.ts';

const RICH_TEXT = `# A heading

Some *text* with \`code\`, a [link](https://example.com/) and a list:

1. one
2. two

| a | table |
|---|---|
| with | cells |

> said by someone

\`\`\`js
and.code()
\`\`\``;

test('axe finds nothing in whatever the page shows, in light and in dark', async ({ demo, server, page }) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await demo.open();
  await expectNothing(page, 'nothing is open');
  await page.getByTestId('settings').click();
  await page.getByTestId('provider-select').selectOption('openai-compatible');
  await expectNothing(page, 'the settings are open');
  await page.keyboard.press('Escape');
  await demo.useServer(server);

  showMe(server);
  await demo.say('Show me');
  await expect(demo.answers.last()).toContainText('and.code()');
  await demo.settled();
  await demo.tool('calculator').first().locator('summary').click();
  const answer = held('It begins');
  server.plays(answer.play);
  await demo.say('Go on');
  await expect(demo.live).toContainText('It begins');
  await demo.composer.fill('Later');
  await demo.send.click();
  await expect(demo.queued).toHaveCount(1);
  await demo.composer.fill('Now');
  await expectNothing(page, 'an answer is being written, and a message waits');
  await demo.queued.getByTestId('queue-cancel').click();
  await expect(demo.queued).toHaveCount(0);
  await demo.composer.fill('');
  await demo.stop.click();
  await demo.settled();
  await page.getByTestId('edit-message').first().click();
  await demo.send.click();
  await expect(page.getByTestId('branch-label')).toBeVisible();
  await expect(demo.answers.last()).toContainText('and.code()');
  await demo.settled();
  const sessionId = demo.sessionId();
  await demo.visit('unknown');
  await expect(demo.error).toBeVisible();
  await expectNothing(page, 'an error is shown');
  await demo.visit(sessionId);
  await expect(demo.answers.last()).toContainText('and.code()');
  await expectNothing(page, 'a conversation with tools and branches');

  await goTo(page, 'storage');
  await expect(page.getByTestId('export').first()).toBeVisible();
  await expectNothing(page, 'the storage page');
  await goTo(page, 'kit');
  await page.getByTestId('run-kit').click();
  await expect(page.getByTestId('kit-case')).not.toHaveCount(0);
  await page.getByTestId('stop-kit').click();
  await page.locator('.kit-suite summary').first().click();
  await expectNothing(page, 'the kit has run');
  await demo.visit(sessionId);
  await page.getByTestId('delete-session').first().click();
  await expectNothing(page, 'a deletion is asked about');
});

test('axe finds nothing in what is laid out anew on a phone, in light and in dark', async ({
  demo,
  server,
  page,
}) => {
  await page.setViewportSize({ width: 390, height: 780 });
  await demo.visit('unknown');
  await expect(demo.error).toBeVisible();
  await expectNothing(page, 'an error is shown');
  await page.getByTestId('settings').click();
  await page.getByTestId('provider-select').selectOption('openai-compatible');
  await expectNothing(page, 'the settings are open');
  await page.keyboard.press('Escape');
  await demo.useServer(server);
  showMe(server);
  await demo.say('Show me');
  await expect(demo.answers.last()).toContainText('and.code()');
  await demo.settled();
  await demo.tool('calculator').first().locator('summary').click();
  await expectNothing(page, 'a conversation with tools');
  await page.getByTestId('trace-toggle').click();
  await expect(page.getByTestId('trace-download')).toBeVisible();
  await expectNothing(page, 'the trace lies over the conversation');
  await page.getByTestId('trace-close').click();
  await page.getByTestId('open-sidebar').click();
  await expectNothing(page, 'the list lies over the conversation');
  await page.getByTestId('open-storage').click();
  await expect(page.getByTestId('export').first()).toBeVisible();
  await expectNothing(page, 'the storage page');
  await page.getByTestId('open-sidebar').click();
  await page.getByTestId('delete-session').first().click();
  await expectNothing(page, 'a deletion is asked about');
});

/** Makes the model answer with tools, one of which fails, and with all kinds of text. */
function showMe(server: ModelServer): void {
  server.answers('Show me', {
    toolCalls: [
      { name: 'calculator', arguments: '{"expression":"6 * 7"}' },
      { name: 'calculator', arguments: '{"formula":"6 * 7"}' },
    ],
    content: RICH_TEXT,
  });
}

/** Goes to a part of the page by its address. */
async function goTo(page: Page, place: string): Promise<void> {
  await page.evaluate((name) => {
    location.hash = name;
  }, place);
}

/** Looks at the page as it is. Of what axe knows, only the contrast of colours can be another one in the dark. */
async function expectNothing(page: Page, state: string): Promise<void> {
  // Colours on their way from one theme to the other would be measured in between.
  await page.evaluate(() => {
    const still = new CSSStyleSheet();
    still.replaceSync('*, *::before, *::after { transition: none !important; animation: none !important }');
    document.adoptedStyleSheets = [still];
  });
  const backgrounds = new Set<string>();
  for (const theme of ['light', 'dark']) {
    backgrounds.add(
      await page.evaluate((name) => {
        document.documentElement.dataset['theme'] = name;
        return getComputedStyle(document.documentElement).backgroundColor;
      }, theme),
    );
    const again = theme === 'dark';
    // The first look has left axe in the page.
    const axe = new AxeBuilder(again ? { page, axeSource: 'null' } : { page });
    axe.options({ resultTypes: ['violations'] }).setLegacyMode();
    if (again) axe.withRules('color-contrast');
    const { violations } = await axe.analyze();
    const found = violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html) }));
    expect(found, `${state}, ${theme}`).toEqual([]);
  }
  expect(backgrounds.size, 'the themes differ').toBe(2);
}
