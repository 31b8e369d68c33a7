import type { Page } from '@playwright/test';

import { expect, test } from './fixtures.ts';

/**
 * Puts a stand-in for the browser's model into the page, which repeats what it is asked. It is not there while the
 * page's storage says so.
 */
async function standInForChrome(page: Page): Promise<void> {
  await page.addInitScript(() => {
    if (localStorage.getItem('test.no-model') !== null) {
      Reflect.deleteProperty(globalThis, 'LanguageModel');
      return;
    }
    const pause = async (ms: number): Promise<void> =>
      await new Promise((resolve) => setTimeout(resolve, ms));
    interface Message {
      readonly content: readonly { readonly value: string }[];
    }
    interface Wanted {
      readonly expectedOutputs?: readonly { readonly languages?: readonly string[] }[];
    }
    interface Asked {
      readonly signal: AbortSignal;
    }
    // As Chrome does.
    const warn = ({ expectedOutputs }: Wanted): void => {
      const isNamed = expectedOutputs?.every(({ languages = [] }) => languages.length > 0) === true;
      if (!isNamed) console.warn('No output language was specified in a LanguageModel API request.');
    };
    const LanguageModel = {
      availability: (wanted: Wanted) => {
        warn(wanted);
        return Promise.resolve('downloadable');
      },
      create: (wanted: Wanted) => {
        warn(wanted);
        return Promise.resolve({
          contextUsage: 0,
          measureContextUsage: () => Promise.resolve(5),
          destroy: () => undefined,
          promptStreaming: (input: readonly Message[], { signal }: Asked) => {
            const text = input.flatMap(({ content }) => content.map(({ value }) => value)).join(' ');
            const words = text === 'go on' ? Array.from({ length: 1000 }, (_, n) => `${n}`) : text.split(' ');
            return new ReadableStream<string>({
              start: async (controller) => {
                controller.enqueue('You said:');
                for (const word of words) {
                  await pause(20);
                  if (signal.aborted) return controller.error(signal.reason);
                  controller.enqueue(` ${word}`);
                }
                controller.close();
              },
            });
          },
        });
      },
    };
    Object.defineProperty(globalThis, 'LanguageModel', { value: LanguageModel, configurable: true });
  });
}

async function chooseChrome(page: Page): Promise<void> {
  await page.getByTestId('settings').click();
  await expect(page.locator('option[value="chrome"]')).toContainText('needs a download');
  await page.getByTestId('provider-select').selectOption('chrome');
  await expect(page.getByTestId('settings-dialog')).toContainText('downloads it with your first message');
  await expect(page.getByTestId('base-url')).toHaveCount(0);
  await page.getByTestId('settings-save').click();
  await expect(page.getByTestId('settings-dialog')).toBeHidden();
}

test('Chrome’s own model answers where the browser has one, can be stopped, and is still the chat’s after a reload', async ({
  demo,
}) => {
  const { page } = demo;
  const warnings: string[] = [];
  page.on('console', (message) => {
    if (message.text().includes('LanguageModel')) warnings.push(message.text());
  });
  await standInForChrome(page);
  await demo.open();
  await chooseChrome(page);
  await demo.say('hello heron');
  await demo.settled();
  await expect(demo.answers.last()).toContainText('You said: hello heron');
  await expect(page.locator('.model-label')).toHaveText('Chrome’s own model');
  await demo.say('go on');
  await expect(demo.live).toContainText('You said: 0 1 2');
  await demo.stop.click();
  await demo.settled();
  await expect(demo.answers.last()).toContainText('You said: 0 1 2');
  await demo.reload();
  await expect(demo.questions).toHaveCount(2);
  await demo.say('still there?');
  await demo.settled();
  await expect(demo.answers.last()).toContainText('You said: still there?');
  await expect(demo.error).toHaveCount(0);
  expect(warnings).toEqual([]);
});

test('[TU11] an answer of Chrome’s own model that was cut off waits where the browser has none, and goes on where it has', async ({
  demo,
}) => {
  const { page } = demo;
  await standInForChrome(page);
  await demo.open();
  await chooseChrome(page);
  await demo.say('go on');
  await expect(demo.live).toContainText('You said: 0 1 2');
  await page.evaluate(() => localStorage.setItem('test.no-model', ''));
  await demo.reload();
  await expect(page.locator('[data-testid="turn-wait"][data-kind="provider"]')).toBeVisible();
  await page.evaluate(() => localStorage.removeItem('test.no-model'));
  await demo.reload();
  await expect(demo.live).toContainText('You said: 0 1 2');
  await demo.stop.click();
  await demo.settled();
  await expect(demo.questions).toHaveCount(1);
  await expect(demo.answers).toHaveCount(1);
});

test('without a model of its own, the browser’s is no choice', async ({ demo }) => {
  const { page } = demo;
  await page.addInitScript(() => void Reflect.deleteProperty(globalThis, 'LanguageModel'));
  await demo.open();
  await page.getByTestId('settings').click();
  await expect(page.getByTestId('provider-select').locator('option')).toHaveCount(2);
});
