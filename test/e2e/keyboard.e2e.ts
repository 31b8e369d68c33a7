import type { Locator, Page } from '@playwright/test';

import { expect, test } from './fixtures.ts';
import { held, refusal } from './plays.ts';

/** More stops than the page has. */
const MAX_STOPS = 150;

test('a keyboard alone suffices, and the focus is never lost @engines', async ({
  demo,
  server,
  page,
  browserName,
}) => {
  const keys = page.keyboard;
  const keyboard = new Keyboard(page);
  await demo.open();

  await test.step('the first stop skips to the message field', async () => {
    await keys.press('Tab');
    await keys.press('Enter');
    await expect(demo.composer).toBeFocused();
  });

  await test.step('settings', async () => {
    await keyboard.use(page.getByTestId('settings'));
    await keyboard.expectFocusIn(page.getByTestId('settings-dialog'));
    await keyboard.reach(page.getByTestId('provider-select'));
    await keys.press('End');
    await expect(page.getByTestId('provider-select')).toHaveValue('openai-compatible');
    await keyboard.reach(page.getByTestId('base-url'));
    await keys.type(server.baseUrl);
    await keyboard.reach(page.getByTestId('model-name'));
    await keys.type('test-model');
    await keyboard.use(page.getByTestId('settings-save'));
    await expect(page.getByTestId('settings-dialog')).toBeHidden();
    await keyboard.expectFocus();
    await keyboard.use(page.getByTestId('settings'));
    await keyboard.expectFocusIn(page.getByTestId('settings-dialog'));
    await expect(page.getByTestId('base-url')).toHaveValue(server.baseUrl);
    await keys.press('Escape');
    await expect(page.getByTestId('settings-dialog')).toBeHidden();
    await expect(page.getByTestId('settings')).toBeFocused();
  });

  await test.step('a new session, a message, and its answer with a tool', async () => {
    server.answers('What is', {
      toolCalls: [{ name: 'calculator', arguments: '{"expression":"6 * 7"}' }],
      content: 'It is 42.',
    });
    await keyboard.use(page.getByTestId('new-session'));
    await expect(demo.sessions).toHaveCount(1);
    await expect(demo.composer).toBeFocused();
    await keys.type('What is 6 * 7?');
    await keys.press('Enter');
    await expect(demo.answers.last()).toContainText('It is 42.');
    await demo.settled();
    await expect(demo.composer).toBeFocused();
    await keyboard.use(demo.tool('calculator').locator('summary'));
    await expect(demo.tool('calculator')).toHaveJSProperty('open', true);
    await keyboard.expectFocus();
  });

  await test.step('attach and send by button', async () => {
    const field = page.getByTestId('attach');
    const file = { name: 'list.txt', mimeType: 'text/plain', buffer: Buffer.from('eggs') };
    // Playwright hears of Firefox's dialog only when a pointer opened it: that the key asks for it has to do there.
    const asked =
      browserName === 'firefox'
        ? field.evaluate((element) => new Promise((resolve) => element.addEventListener('click', resolve)))
        : page.waitForEvent('filechooser');
    await keyboard.use(field);
    await asked;
    await field.setInputFiles(file);
    await expect(page.locator('form').getByTestId('attachment')).toHaveText([/list\.txt/]);
    await keyboard.expectFocus();
    await keyboard.use(page.getByTestId('remove-attachment'));
    await expect(page.locator('form').getByTestId('attachment')).toHaveCount(0);
    await keyboard.expectFocus();
    await keyboard.reach(demo.composer);
    await keys.type('What is more?');
    await keyboard.use(demo.send);
    await expect(demo.answers).toHaveCount(4);
    await demo.settled();
    await keyboard.expectFocus();
  });

  await test.step('stop, and continue', async () => {
    server.plays(held('This could take').play);
    await keyboard.reach(demo.composer);
    await keys.type('Take your time');
    await keys.press('Enter');
    await expect(demo.live).toContainText('This could take');
    await keyboard.use(demo.stop);
    await expect(demo.answers.last()).toHaveAttribute('data-status', 'cancelled');
    await demo.settled();
    await keyboard.expectFocus();
    server.answers('Take your', { content: 'Here it is.' });
    await keyboard.use(page.getByTestId('continue'));
    await expect(demo.answers.last()).toContainText('Here it is.');
    await demo.settled();
    await keyboard.expectFocus();
  });

  await test.step('regenerate, and switch between the answers', async () => {
    await keyboard.use(page.getByTestId('regenerate'));
    await expect(page.getByTestId('branch-label')).toHaveText('2/2');
    await demo.settled();
    await keyboard.expectFocus();
    await keyboard.use(page.getByTestId('branch-prev'));
    await expect(page.getByTestId('branch-label')).toHaveText('1/2');
    await keyboard.expectFocus();
    await keyboard.use(page.getByTestId('branch-next'));
    await expect(page.getByTestId('branch-label')).toHaveText('2/2');
    await keyboard.expectFocus();
  });

  await test.step('edit a message, give it up, edit it again and send it', async () => {
    await keyboard.use(demo.questions.first().getByTestId('edit-message'));
    await expect(demo.composer).toBeFocused();
    await keys.press('Escape');
    await expect(demo.composer).toHaveValue('');
    await keyboard.expectFocus();
    await keyboard.use(demo.questions.first().getByTestId('edit-message'));
    await expect(demo.composer).toHaveValue('What is 6 * 7?');
    await expect(demo.composer).toBeFocused();
    await keys.press('ControlOrMeta+a');
    await keys.type('What is 7 * 6?');
    await keys.press('Enter');
    await expect(demo.questions).toHaveText([/What is 7 \* 6\?/]);
    await expect(demo.questions.getByTestId('branch-label')).toHaveText('2/2');
    await demo.settled();
    await keyboard.expectFocus();
  });

  await test.step('an error is put away', async () => {
    server.plays(refusal(401));
    await keyboard.reach(demo.composer);
    await keys.type('Fail, please');
    await keys.press('Enter');
    await expect(demo.error).toBeVisible();
    await demo.settled();
    await keyboard.use(page.getByTestId('error-dismiss'));
    await expect(demo.error).toHaveCount(0);
    await keyboard.expectFocus();
  });

  await test.step('the trace panel, and its download', async () => {
    await keyboard.use(page.getByTestId('trace-toggle'));
    await expect(page.getByTestId('trace-download')).toBeHidden();
    await keyboard.expectFocus();
    await keyboard.use(page.getByTestId('trace-toggle'));
    await keyboard.reach(page.getByTestId('trace-download'));
    await demo.downloaded(() => keys.press('Enter'));
    await keyboard.expectFocus();
    await keyboard.use(page.getByTestId('trace-close'));
    await keyboard.expectFocus();
  });

  await test.step('rename', async () => {
    await keyboard.use(page.getByTestId('rename-session'));
    await expect(demo.sessions.getByRole('textbox')).toBeFocused();
    await keys.type('By hand');
    await keys.press('Enter');
    await expect(demo.sessions).toContainText('By hand');
    await keyboard.expectFocus();
    await keyboard.use(page.getByTestId('rename-session'));
    await expect(demo.sessions.getByRole('textbox')).toBeFocused();
    await keys.type('Never mind');
    await keys.press('Escape');
    await expect(demo.sessions).toContainText('By hand');
    await keyboard.expectFocus();
  });

  await test.step('delete, after being asked', async () => {
    await keyboard.use(page.getByTestId('delete-session'));
    await keyboard.expectFocusIn(page.getByTestId('delete-dialog'));
    await keys.press('Escape');
    await expect(page.getByTestId('delete-dialog')).toBeHidden();
    await expect(page.getByTestId('delete-session')).toBeFocused();
    await keyboard.use(page.getByTestId('delete-session'));
    await keyboard.expectFocusIn(page.getByTestId('delete-dialog'));
    await keyboard.use(page.getByTestId('confirm-delete'));
    await expect(demo.sessions).toHaveCount(0);
    await expect(demo.messages).toHaveCount(0);
    await keyboard.expectFocus();
  });
});

test('a keyboard alone suffices on a phone, where list and trace are drawers @engines', async ({
  demo,
  page,
}) => {
  const keyboard = new Keyboard(page);
  await page.setViewportSize({ width: 390, height: 780 });
  await demo.open();
  await keyboard.use(page.getByTestId('open-sidebar'));
  await keyboard.expectFocusIn(page.locator('#sidebar'));
  await keyboard.use(page.getByTestId('new-session'));
  await expect(demo.sessions).toHaveCount(1);
  await expect(page.getByTestId('new-session')).toBeHidden();
  await keyboard.expectFocus();
  await keyboard.use(page.getByTestId('open-sidebar'));
  await keyboard.expectFocusIn(page.locator('#sidebar'));
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('new-session')).toBeHidden();
  await keyboard.expectFocus();
  await keyboard.use(page.getByTestId('trace-toggle'));
  await keyboard.expectFocusIn(page.locator('#trace'));
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('trace-download')).toBeHidden();
  await keyboard.expectFocus();
});

/** Which key leads from what has the focus to `element`, and about how many stops lie between: none when it is there. */
function wayTo(element: Element): { readonly key: string; readonly stops: number } {
  const from = document.activeElement ?? document.body;
  if (from === element) return { key: 'Tab', stops: 0 };
  const follows = (one: Node, other: Node): boolean =>
    (one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
  const forward = follows(from, element);
  const between = (stop: Element): boolean =>
    forward ? follows(from, stop) && follows(stop, element) : follows(element, stop) && follows(stop, from);
  const stops = [...document.querySelectorAll('a, button:enabled, input:enabled, select, textarea, summary')];
  const passed = stops.filter(
    (stop) => between(stop) && stop.checkVisibility() && stop.closest('[inert]') === null,
  );
  return { key: forward ? 'Tab' : 'Shift+Tab', stops: Math.max(1, passed.length) };
}

/** Someone who has no pointer. */
class Keyboard {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Goes to an element by Tab, or back to it. */
  async reach(target: Locator): Promise<void> {
    await expect(target).toBeAttached();
    for (let stop = 0; stop < MAX_STOPS;) {
      const { key, stops } = await target.evaluate(wayTo);
      if (stops === 0) return;
      for (let press = 0; press < stops; press++) await this.#page.keyboard.press(key);
      stop += stops;
    }
    await expect(target, 'is reached by Tab').toBeFocused({ timeout: 1 });
  }

  /** Goes to a button and presses it. */
  async use(target: Locator): Promise<void> {
    await this.reach(target);
    await this.#page.keyboard.press('Enter');
  }

  /** Waits until something within this area has the focus. */
  async expectFocusIn(area: Locator): Promise<void> {
    await expect(area.locator(':focus')).toBeVisible();
  }

  /** Waits until some element has the focus, and sees that it is there to stay. */
  async expectFocus(): Promise<void> {
    const focused = (): Promise<string> =>
      this.#page.evaluate(async () => {
        for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
        const element = document.activeElement;
        return element === null || !element.checkVisibility() ? 'nothing' : element.tagName;
      });
    await expect.poll(focused, { message: 'something has the focus' }).not.toMatch(/^(?:nothing|BODY|HTML)$/);
  }
}
