import { once } from 'node:events';
import { createServer } from 'node:http';

import type { Page } from '@playwright/test';

import { API_KEY, leaks, writtenForms } from '../support/canary.ts';
import { storedText } from '../support/stored-data.ts';
import { BuiltDemo } from './built-demo.ts';
import { Demo, picture, textFile } from './demo.ts';
import { expect, test } from './fixtures.ts';
import { answer, held, refusal } from './plays.ts';

/** What a hostile model writes. Whatever runs sets `ran`; whatever loads asks `elsewhere`. */
const hostileText = (elsewhere: string): string => `
<script>globalThis.ran = 'script'</script>
<script src="${elsewhere}/script.js"></script>

<img src="nowhere" onerror="globalThis.ran = 'onerror'"> <img src="${elsewhere}/tag.png">
<svg onload="globalThis.ran = 'onload'"><image href="${elsewhere}/svg.png"/></svg>
<iframe src="${elsewhere}/frame"></iframe> <object data="${elsewhere}/object"></object>
<video src="${elsewhere}/video" poster="${elsewhere}/poster"></video> <audio src="${elsewhere}/audio" autoplay></audio>
<link rel="stylesheet" href="${elsewhere}/link.css"><style>@import url(${elsewhere}/style.css)</style>
<p style="background: url(${elsewhere}/background.png)" onclick="globalThis.ran = 'onclick'">a paragraph</p>
<form action="${elsewhere}/form"><input autofocus onfocus="globalThis.ran = 'onfocus'"><button>Log in</button></form>

![a picture](${elsewhere}/markdown.png) and ![another][ref]

[ref]: ${elsewhere}/reference.png

[script link](javascript:globalThis.ran='link') [spaced](java\tscript:globalThis.ran='spaced')
<a href="javascript:globalThis.ran = 'href'">raw link</a> <a href="data:text/html,<script>1</script>">data link</a>
[a good link](https://example.com/page)

the end of it`;

const FORBIDDEN =
  'script, style, link, img, svg image, iframe, object, embed, video, audio, form, input, button';

/** A server that nobody should ask for anything. */
async function listenElsewhere(): Promise<{ url: string; asked: string[]; close(): void }> {
  const asked: string[] = [];
  const server = createServer(({ url }, response) => {
    asked.push(url ?? '');
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${address.port}`, asked, close };
}

test('[SE4] what a model writes runs nothing and loads nothing, and its links are safe @engines', async ({
  demo,
  server,
  page,
}) => {
  const elsewhere = await listenElsewhere();
  const text = hostileText(elsewhere.url);
  const origins = new Set<string>();
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http')) origins.add(url.origin);
  });
  await demo.open();
  await demo.useServer(server);

  const streaming = held(text, '\n\nand more');
  server.plays(streaming.play);
  await demo.say(`<img src="${elsewhere.url}/user.png" onerror="globalThis.ran = 'user'"> Hello`, [
    textFile('<img src=x onerror=ran=1>.txt', 'text'),
  ]);
  await expect(demo.live).toContainText('the end of it');
  expect(await demo.live.locator('.message-body').locator(FORBIDDEN).count()).toBe(0);
  streaming.release();
  await demo.settled();
  server.answers('Now with a tool', {
    toolCalls: [{ name: text.slice(0, 40), arguments: JSON.stringify({ text }) }],
    content: text,
  });
  await demo.say('Now with a tool');
  await expect(demo.answers.last()).toContainText('the end of it');
  await demo.settled();
  server.plays(refusal(400, { message: text }));
  await demo.say('Now fail');
  await expect(demo.error).toBeVisible();
  await demo.error.locator('summary').click();
  await demo.showTrace();

  const bodies = page.locator('[data-testid="message"] .message-body');
  await expect(bodies.first()).toBeVisible();
  expect(await bodies.locator(FORBIDDEN).count()).toBe(0);
  const links = await bodies.locator('a').evaluateAll((found) =>
    found.map((link) => {
      const { protocol, rel, target } = link as HTMLAnchorElement;
      return {
        protocol,
        rel,
        target,
        handlers: link.getAttributeNames().filter((name) => name.startsWith('on')),
      };
    }),
  );
  expect(links.length).toBeGreaterThan(2);
  for (const link of links) {
    expect(['http:', 'https:', 'mailto:']).toContain(link.protocol);
    expect(link).toMatchObject({ rel: expect.stringContaining('noopener'), target: '_blank', handlers: [] });
  }
  await expect(bodies.getByRole('link', { name: 'a good link' }).first()).toHaveAttribute(
    'href',
    'https://example.com/page',
  );
  expect(await page.evaluate(() => Reflect.get(globalThis, 'ran') as unknown)).toBeUndefined();

  expect([...origins].toSorted()).toEqual(
    [new URL(page.url()).origin, new URL(server.baseUrl).origin].toSorted(),
  );
  expect(elsewhere.asked).toEqual([]);
  await page.evaluate((url) => fetch(`${url}/seen`), elsewhere.url);
  expect(elsewhere.asked).toEqual(['/seen']);
  elsewhere.close();
});

test("[SE3] the built demo does all that it does under script-src 'self', and nothing is reported @engines", async ({
  page,
  server,
}) => {
  const built = await BuiltDemo.start();
  const onBuilt = new Demo(page, `e2e-${crypto.randomUUID()}`, built.url);
  await onBuilt.open();
  await onBuilt.say('Calculate 12 * 7 and (144 - 36) / 9', [
    picture('pixel.png'),
    textFile('list.txt', 'eggs'),
  ]);
  await onBuilt.settled();
  await expect(onBuilt.tool('calculator').first()).toHaveAttribute('data-state', 'success');
  await onBuilt.useServer(server);
  server.answers('Look around', {
    toolCalls: [{ name: 'page_info', arguments: '{}' }],
    content: '| a | table |\n|---|---|\n| with | cells |\n\n```js\nand.code()\n```',
  });
  await onBuilt.say('Look around');
  await expect(onBuilt.tool('page_info')).toHaveAttribute('data-state', 'success');
  await expect(onBuilt.answers.last().getByRole('table')).toBeVisible();
  await onBuilt.settled();
  const { records } = await onBuilt.downloadTrace();
  expect(records.length).toBeGreaterThan(10);

  await page.addScriptTag({ url: `${built.url}/control.js` });
  const controls = [`${built.url}/control.js`, `${built.url}/control.worker.js`];
  await expect
    .poll(() => built.reported, 'the controls are reported')
    .toEqual(expect.arrayContaining(controls));
  expect(built.reported.toSorted()).toEqual(controls);
  built.stop();
});

test('[SE1] an API key is nowhere but in memory, whoever repeats it', async ({ demo, server, page }) => {
  const key = API_KEY;
  const forms = Object.values(writtenForms(key));
  await demo.open();
  await demo.useServer(server, key);
  const shown: string[] = [];
  const look = async (): Promise<void> => void shown.push(await visibleText(page));

  server.plays(refusal(401, { echo: true, message: 'wrong key' }));
  await demo.say('Remember the heron');
  await expect(demo.error).toHaveAttribute('data-code', 'ProviderUnauthorized');
  await demo.error.locator('summary').click();
  await expect(demo.error).toContainText('[redacted]');
  await look();

  const failing = refusal(500, { echo: true, retryAfter: 0, message: 'it broke' });
  server.plays(failing, failing, failing, failing);
  await page.getByTestId('continue').click();
  await expect(demo.error).toHaveAttribute('data-code', 'ProviderUnavailable');
  await look();

  server.plays(answer(`I know it: ${forms.join(' and ')}. That was it.`, 3));
  await page.getByTestId('continue').click();
  await expect(demo.answers.last()).toContainText('That was it.');
  await expect(demo.answers.last()).toContainText('[redacted]');
  await demo.settled();
  await look();

  server.answers('Say it to the tools', {
    toolCalls: [
      { name: 'calculator', arguments: JSON.stringify({ expression: key }) },
      { name: 'remember', arguments: JSON.stringify({ key: 'what I heard', value: forms.join(' ') }) },
    ],
    content: 'Done.',
  });
  await demo.say('Say it to the tools');
  await expect(demo.answers.last()).toContainText('Done.');
  await demo.settled();
  await look();
  await page.getByTestId('settings').click();
  await expect(page.getByTestId('api-key')).toHaveValue('');
  await page.keyboard.press('Escape');

  expect(server.keys.every((sent) => sent === `Bearer ${key}`)).toBe(true);
  const { text: trace } = await demo.downloadTrace();
  const stored = await page.evaluate(storedText, '');
  for (const [place, text] of Object.entries({ trace, stored })) {
    expect(text, `${place} was looked at`).toContain('heron');
    expect(text, `${place} was looked at`).toContain('[redacted]');
    expect(leaks(key, text), place).toEqual([]);
  }
  expect(leaks(key, shown.join('\n'))).toEqual([]);
  expect(leaks(key, page.url())).toEqual([]);
});

/** All that the page shows, and all that its elements hold. */
async function visibleText(page: Page): Promise<string> {
  return await page.evaluate(() => `${document.body.innerText}\n${document.documentElement.outerHTML}`);
}
