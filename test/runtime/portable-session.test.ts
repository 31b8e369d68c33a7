import { expect, test } from 'vitest';

import { addToLedger, totalUsage, type UsageEntry } from '../../src/core/usage.ts';
import { exportSession } from '../../src/runtime/portable/session-export.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { appends, Author, createMode, says } from '../../src/testing/author.ts';
import {
  chunksOf,
  exported,
  grow,
  imported,
  linesOf,
  memoryPlace,
  type Place,
  treeOf,
  withoutIds,
} from './portable.ts';

async function expectRoundTrip(from: Place): Promise<void> {
  const file = await exported(from);
  const to = memoryPlace();
  const { nodes } = await imported(to, file);
  const [before, after] = await Promise.all([
    from.factory.open('session', { kind: 'open' }),
    to.factory.open('imported', { kind: 'open' }),
  ]);
  expect(await treeOf(after)).toEqual(await treeOf(before));
  expect(nodes).toBe((await before.load({ kind: 'head' })).head.nodeCount);
  expect(withoutIds(await exported(to, 'imported'))).toBe(withoutIds(file));
}

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
  '[SE2] a session goes through its file unchanged: random tree %i with forks, pins, attachments and every form of a node',
  async (seed) => {
    const place = memoryPlace();
    await grow(place, seed, 60);
    await expectRoundTrip(place);
  },
);

test('[SE2] a session without a node goes through its file unchanged', async () => {
  const place = memoryPlace();
  await Author.create(place.factory);
  const file = await exported(place);
  expect(file.split('\n')).toHaveLength(3);
  await expectRoundTrip(place);
});

test('[SE2] a session whose leaf lies before its first node goes through its file unchanged', async () => {
  const place = memoryPlace();
  const author = await Author.create(place.factory);
  await author.say('a', 'b');
  await author.branch(null);
  await expectRoundTrip(place);
});

test('[SE2] whose child a session is stays behind: an imported one is an ordinary session', async () => {
  const place = memoryPlace();
  const parent = { sessionId: 'somebody', relation: 'child', source: 'research', depth: 1 } as const;
  const author = new Author(await place.factory.open('session', { ...createMode(), parent }));
  await author.say('a');
  const file = await exported(place);
  expect(file).not.toContain('somebody');
  const to = memoryPlace();
  await imported(to, file);
  const listed = await to.factory.list({ parent: null });
  expect(listed.items).toMatchObject([{ sessionId: 'imported', nodeCount: 1 }]);
  expect(listed.items[0]).not.toHaveProperty('parent');
});

test('[SE2] forks of forks, tombstones among them, are written in the same order by whoever imported them', async () => {
  const place = memoryPlace();
  const author = await Author.create(place.factory);
  const [a, b, c] = await author.sayBelow(null, 'a', 'b', 'c');
  const [d] = await author.sayBelow(a!, 'd', 'e');
  await author.sayBelow(b!, 'f');
  await author.sayBelow(a!, 'g');
  await author.sayBelow(d!, 'h');
  await author.sayBelow(null, 'second root');
  const [gone] = await author.sayBelow(c!, 'gone');
  await author.sayBelow(c!, 'stays');
  expect((await author.store.tombstoneNodes([gone!])).status).toBe('Swept');
  const file = await exported(place);
  const texts = linesOf(file).flatMap((line) => /"content":"([^"]*)"/.exec(line)?.[1] ?? []);
  expect(texts).toEqual(['a', 'b', 'c', 'stays', 'f', 'd', 'e', 'h', 'g', 'second root']);
  await expectRoundTrip(place);
});

test('[ST13] 10,000 nodes are imported in as few commits as the budget allows, and read whole', async () => {
  const place = memoryPlace();
  const author = await Author.create(place.factory);
  for (let index = 0; index < 20; index++) {
    const texts = Array.from({ length: 500 }, (_, at) => `message ${index * 500 + at}`);
    const { head } = await author.store.load({ kind: 'head' });
    await author.commit(appends(head.leaf, texts));
  }
  const file = await exported(place);
  const to = memoryPlace();
  await imported(to, file);
  const store = await to.factory.open('imported', { kind: 'open' });
  const { head, nodes } = await store.load({ kind: 'path' });
  expect(nodes).toHaveLength(10_000);
  const commits = new Set(nodes.map(({ id }) => id.slice(0, id.lastIndexOf('.'))));
  expect(commits.size).toBe(Math.ceil(10_000 / to.factory.commitBudget.rows));
  expect(head.revision).toBeLessThanOrEqual(commits.size + 1);
  expect(withoutIds(await exported(to, 'imported'))).toBe(withoutIds(file));
});

test('[ST13] commits of an import stay within the bytes of the budget', async () => {
  const place = memoryPlace();
  const author = await Author.create(place.factory);
  for (const unit of ['a', 'b', 'c', 'd']) {
    const { head } = await author.store.load({ kind: 'head' });
    await author.commit({ kind: 'append', parentId: head.leaf, nodes: [says(unit.repeat(400_000))] });
  }
  await expectRoundTrip(place);
});

test('[ST13] one node over the budget is refused, and nothing is imported', async () => {
  const place = memoryPlace();
  const author = await Author.create(place.factory);
  await author.say('small');
  await author.say('x'.repeat(5000));
  const file = await exported(place);
  const factory = new InMemorySessionStoreFactory({ commitBudget: { rows: 10, bytes: 4096 } });
  const to = { factory, attachments: place.attachments };
  await expect(imported(to, file)).rejects.toMatchObject({ code: 'CommitBudgetExceeded' });
  expect((await factory.list({})).items).toEqual([]);
});

test('[SE2] tokens are reckoned from the nodes', async () => {
  const place = memoryPlace();
  const author = await grow(place, 11, 80);
  await author.commit({ kind: 'unchanged' }, { usage: [] });
  const to = memoryPlace();
  await imported(to, await exported(place));
  const { ledger, head, nodes } = await (
    await to.factory.open('imported', { kind: 'open' })
  ).load({ kind: 'all' });
  const entries = nodes.flatMap(({ body }): readonly UsageEntry[] => {
    if (body.kind !== 'conversation' || body.usage === undefined) return [];
    return [{ source: 'turn', model: body.model ?? '', usage: body.usage }];
  });
  expect(entries.length).toBeGreaterThan(3);
  expect(new Set(ledger)).toEqual(new Set(addToLedger([], entries)));
  expect(head.usage).toEqual(totalUsage(ledger));
});

test('[TR3] an export comes in chunks of about 256 KiB that end with a line', async () => {
  const place = memoryPlace();
  const author = await Author.create(place.factory);
  const bytes = crypto.getRandomValues(new Uint8Array(65_536));
  const large = new Blob(Array.from({ length: 40 }, () => bytes));
  const ref = await place.attachments.put(large, { mime: 'a/b' }, { sessionId: 'session' });
  await author.commit({
    kind: 'append',
    parentId: null,
    nodes: [
      {
        createdAt: 1,
        body: {
          kind: 'conversation',
          message: { role: 'user', parts: [{ type: 'image', attachment: ref }] },
        },
      },
    ],
  });
  const chunks = await chunksOf(place);
  expect(chunks.length).toBeGreaterThan(8);
  for (const chunk of chunks) {
    expect(chunk.at(-1)).toBe(10);
    expect(chunk.length).toBeLessThan(600 * 1024);
  }
  const to = memoryPlace();
  expect(await imported(to, new Blob(chunks))).toEqual({ sessionId: 'imported', nodes: 1, attachments: 1 });
  expect((await to.attachments.get(ref.id)).size).toBe(large.size);
});

test('[ST7] an export is one state: what is written meanwhile is not in it', async () => {
  const place = memoryPlace();
  const author = await grow(place, 12, 1500);
  const before = withoutIds(await exported(place));
  const lines = exportSession(author.store, place.attachments, { attachments: true });
  const chunks = [(await lines.next()).value!];
  const { head } = await author.store.load({ kind: 'head' });
  await author.sayBelow(head.leaf, 'later');
  await author.sayBelow(null, 'later root');
  for await (const chunk of lines) chunks.push(chunk);
  expect(withoutIds(await new Blob(chunks).text())).toBe(before);
});

test('[ST8] an export fails when nodes of its state are tombstoned meanwhile, and leaves no hole', async () => {
  const place = memoryPlace();
  const author = await Author.create(place.factory);
  for (let index = 0; index < 3; index++) {
    await author.sayBelow(null, ...Array.from({ length: 500 }, () => 'x'.repeat(1000)));
  }
  const [orphan] = await author.sayBelow(null, 'orphan');
  const [, leaf] = await author.sayBelow(null, 'leaf', 'stays');
  await author.store.pin(leaf!);
  const lines = exportSession(author.store, place.attachments, { attachments: true });
  await lines.next();
  expect((await author.store.tombstoneNodes([orphan!])).status).toBe('Swept');
  await expect(
    (async () => {
      for await (const chunk of lines) expect(chunk.length).toBeGreaterThan(0);
    })(),
  ).rejects.toMatchObject({ code: 'Cancelled', retryable: true });
});

test('[SE2] without attachments, a file can be imported where they are stored, and nowhere else', async () => {
  const place = memoryPlace();
  await grow(place, 13, 40);
  const file = await exported(place, 'session', false);
  expect(file).not.toContain('"type":"piece"');
  await imported(place, file);
  expect(withoutIds(await exported(place, 'imported', false))).toBe(withoutIds(file));
  await expect(imported(memoryPlace(), file)).rejects.toMatchObject({ code: 'ImportInvalid' });
});

test('[SE2] where a model is reached and what its key is called are not in the file, and not taken from one', async () => {
  const place = memoryPlace();
  const provider = { id: 'p', model: 'm', options: { baseUrl: 'https://mine' }, credentials: 'key' };
  const policy = { provider, maxSteps: 3 };
  await place.factory.open('session', { kind: 'create', title: 'T', policy, at: 5 });
  const file = await exported(place);
  expect(file).not.toContain('mine');
  expect(file).not.toContain('key');
  const hostile = file.replace('"model":"m"', '"model":"m","options":{"baseUrl":"https://theirs"}');
  const to = memoryPlace();
  await expect(imported(to, hostile)).rejects.toMatchObject({ code: 'ImportInvalid' });
  await imported(to, file, { sessionId: 'one' });
  await imported(to, file, { sessionId: 'two', policy });
  const metaOf = async (sessionId: string): Promise<unknown> =>
    await (await to.factory.open(sessionId, { kind: 'open' })).loadSessionMeta();
  expect(await metaOf('one')).toMatchObject({
    title: 'T',
    createdAt: 5,
    policy: { provider: { id: 'p' }, maxSteps: 3 },
  });
  expect(await metaOf('one')).not.toHaveProperty('policy.provider.options');
  expect(await metaOf('two')).toMatchObject({ policy });
});

test('[SE1] a secret that comes with a file is redacted before it is stored', async () => {
  const place = memoryPlace();
  const author = await Author.create(place.factory);
  await author.say('my key is sk-canary-123, keep it');
  const secrets = new SecretVault();
  secrets.set('key', 'sk-canary-123');
  const to = memoryPlace();
  await imported(to, await exported(place), { secrets });
  expect(await exported(to, 'imported')).toContain('my key is [redacted], keep it');
});
