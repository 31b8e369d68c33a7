import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { picture, textFile, type Demo } from './demo.ts';
import { expect, test } from './fixtures.ts';

const NAME = 'chat.jsonl';

async function exported(demo: Demo, button: 'export' | 'export-bare' = 'export'): Promise<string> {
  await demo.openStorage();
  const { path, fileName } = await demo.downloaded(() => demo.page.getByTestId(button).first().click());
  expect(fileName).toMatch(/\.jsonl$/);
  return await readFile(path, 'utf8');
}

async function importText({ page }: Demo, text: string): Promise<void> {
  const buffer = Buffer.from(text);
  await page.getByTestId('import').setInputFiles({ name: NAME, mimeType: 'application/jsonl', buffer });
}

/** The file with this many copies of its messages below each other. */
function longer(file: string, copies: number): string {
  const [header = '', ...lines] = file.trimEnd().split('\n');
  const nodes = lines.slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>);
  const written: string[] = [];
  let parent: unknown = null;
  for (let copy = 0; copy < copies; copy++) {
    for (const node of nodes) {
      const id = `${String(node['node_id'])}-${copy}`;
      written.push(JSON.stringify({ ...node, node_id: id, parent_node_id: parent ?? undefined }));
      parent = id;
    }
  }
  const head = { ...(JSON.parse(header) as object), leaf_node_id: parent };
  const body = `${[JSON.stringify(head), ...written].join('\n')}\n`;
  const footer = JSON.parse(lines.at(-1) ?? '') as object;
  const sha256 = createHash('sha256').update(body).digest('hex');
  return `${body}${JSON.stringify({ ...footer, nodes: written.length, sha256 })}\n`;
}

test('[SE2] a chat leaves as a file and comes back as another chat, files and branches included', async ({
  demo,
}) => {
  await demo.open();
  await demo.say('Read the attached file', [picture('pixel.png'), textFile('list.txt', 'eggs and a heron')]);
  await demo.settled();
  await expect(demo.answers.last()).toContainText('eggs and a heron');
  const original = demo.sessionId();
  const said = await demo.messages.allInnerTexts();

  const file = await exported(demo);
  await importText(demo, file);
  await expect(demo.sessions).toHaveCount(2);
  await expect(demo.messages).toHaveCount(said.length);
  expect(demo.sessionId()).not.toBe(original);
  expect(await demo.messages.allInnerTexts()).toEqual(said);
  await expect(demo.questions.first().getByRole('img', { name: 'pixel.png' })).toBeVisible();
  await demo.say('Who are you?');
  await demo.settled();
  await expect(demo.answers.last()).toContainText('built-in model');

  const bare = await exported(demo, 'export-bare');
  expect(bare.length).toBeGreaterThan(0);
  expect(bare).not.toContain('"type":"piece"');
  expect(file).toContain('"type":"piece"');
});

test('[SE2] a file that is none is refused with its line, and nothing is imported', async ({
  demo,
  page,
}) => {
  await demo.open();
  await demo.say('Who are you?');
  await demo.settled();
  const file = await exported(demo);
  const lines = file.trimEnd().split('\n');
  await importText(demo, lines.slice(0, -1).join('\n'));
  await expect(demo.error).toHaveAttribute('data-code', 'ImportInvalid');
  await expect(demo.error).toContainText(new RegExp(`Line ${lines.length - 1} `));
  await expect(demo.sessions).toHaveCount(1);

  await page.getByTestId('error-dismiss').click();
  const dropped = await page.evaluateHandle(
    ([text, name]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], name, { type: 'application/jsonl' }));
      return transfer;
    },
    [file, NAME] as const,
  );
  await page.locator('#sidebar').dispatchEvent('drop', { dataTransfer: dropped });
  await expect(demo.sessions).toHaveCount(2);
  await expect(demo.questions).toHaveText([/Who are you\?/]);
  await expect(demo.error).toHaveCount(0);

  // Where the list covers the page, it makes way for what went wrong.
  await page.setViewportSize({ width: 390, height: 780 });
  await page.getByTestId('open-sidebar').click();
  await importText(demo, 'nonsense');
  await expect(demo.error).toHaveAttribute('data-code', 'ImportInvalid');
  await expect(page.getByTestId('new-session')).toBeHidden();
  await expect(page.getByTestId('open-sidebar')).toBeFocused();
});

test('[RE2] a long chat shows its end, its beginning on request, and its end again', async ({
  demo,
  page,
}) => {
  await demo.open();
  await demo.say('Who are you?');
  await demo.settled();
  await importText(demo, longer(await exported(demo), 350));
  await expect(demo.sessions).toHaveCount(2);
  const older = page.getByTestId('show-older');
  await expect(older).toBeVisible();
  const [newest] = (await demo.nodeIds()).slice(-1);
  for (let presses = 0; presses < 40 && (await older.isVisible()); presses++) {
    const [first] = await demo.nodeIds();
    await older.click();
    await expect.poll(async () => (await demo.nodeIds())[0]).not.toBe(first);
  }
  await expect(older).toHaveCount(0);
  const shown = await demo.nodeIds();
  expect(shown).not.toContain(newest);
  expect(shown.length).toBeLessThan(700);
  await page.getByRole('button', { name: 'Go to the newest message' }).click();
  await expect.poll(async () => (await demo.nodeIds()).at(-1)).toBe(newest);
  await demo.say('Who are you?');
  await demo.settled();
  await expect(demo.error).toHaveCount(0);
});
