import type { CommitRequest, GraphChange } from '../contract/store.ts';
import type { NodeBody } from '../core/node.ts';
import { equal, ok, rejects } from './assert.ts';
import { appends, Author, says, used } from './author.ts';
import { type StoreCase, unchangedBy } from './store-context.ts';

/** An append of one node with something in it that the types forbid. */
function smuggles(body: unknown): GraphChange {
  return { kind: 'append', parentId: null, nodes: [{ createdAt: 1, body: body as NodeBody }] };
}

function message(text: unknown): unknown {
  return { kind: 'conversation', message: { role: 'user', parts: [{ type: 'text', text }] } };
}

/** A function that holds itself somewhere below. */
function cycle(): object {
  const loop: { self?: object } = {};
  loop.self = loop;
  return loop;
}

function nested(depth: number): object {
  let value: object = {};
  for (let level = 0; level < depth; level++) value = { value };
  return value;
}

/** Laws ST13, ST14, ST15 and ST20: what a commit takes, and what its acknowledgement means. */
export const storeInputCases: readonly StoreCase[] = [
  {
    name: '[ST13] a commit may hold as many nodes as the budget says, and not one more',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const { rows: maxRows, bytes: maxBytes } = factory.commitBudget;
      const texts = Array.from({ length: maxRows }, (_, index) => String(index));
      equal((await author.say(...texts)).length, maxRows);
      await unchangedBy(author.store, async () => {
        const error = await rejects(author.say(...texts, 'one more'), 'CommitBudgetExceeded');
        const { rows, bytes } = error.data;
        equal(error.data, { rows: maxRows + 1, bytes, maxRows, maxBytes });
        ok(bytes > rows, 'its bytes were not counted');
      });
      equal(await author.texts(), texts);
    },
  },
  {
    name: '[ST13] bytes are counted as UTF-8, and a commit over the budget is refused whole',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const { bytes: maxBytes } = factory.commitBudget;
      const wide = '\u20ac'.repeat(Math.floor(maxBytes / 3));
      await unchangedBy(author.store, async () => {
        const error = await rejects(author.say('small', wide), 'CommitBudgetExceeded');
        ok(error.data.bytes > maxBytes, `${error.data.bytes} bytes`);
      });
      await author.say('\u20ac'.repeat(Math.floor(maxBytes / 4)));
      const { head } = await author.store.load({ kind: 'head' });
      ok(head.bytes > (maxBytes / 4) * 3 - 3 && head.bytes < maxBytes, `${head.bytes} bytes are stored`);
    },
  },
  {
    name: '[ST13] the head counts the bytes of every branch',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a'.repeat(1000));
      const one = (await author.store.load({ kind: 'head' })).head.bytes;
      await author.sayBelow(null, 'b'.repeat(1000));
      const two = (await author.store.load({ kind: 'head' })).head.bytes;
      await author.branch('op-1.0');
      await author.commit({ kind: 'unchanged' }, { usage: [used(1)] });
      ok(one > 1000 && one < 1500, `${one} bytes for 1000 characters`);
      equal([two, (await author.store.load({ kind: 'head' })).head.bytes], [2 * one, two]);
    },
  },
  {
    name: '[ST13] what is not JSON data is NotData with its path, and nothing changes',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      const bad: readonly unknown[] = [
        () => 'text',
        Number.NaN,
        Number.POSITIVE_INFINITY,
        1n,
        Symbol('s'),
        new Date(0),
        new Map(),
        cycle(),
        nested(100),
      ];
      await unchangedBy(author.store, async () => {
        for (const text of bad) {
          const error = await rejects(author.commit(smuggles(message(text))), 'NotData');
          ok(error.data.path.startsWith('change.nodes[0].body.message.parts[0].text'), error.data.path);
        }
        const data = { kind: 'plugin', pluginType: 'p', data: [1, undefined] };
        await rejects(author.commit(smuggles(data)), 'NotData', { path: 'change.nodes[0].body.data[1]' });
      });
    },
  },
  {
    name: '[ST13] a body that could not be read again is InvalidInput, and nothing changes',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const bodies: readonly unknown[] = [
        undefined,
        null,
        'text',
        {},
        { kind: 'other' },
        { kind: 'conversation' },
        { kind: 'conversation', message: { role: 'nobody', parts: [] } },
        { kind: 'conversation', message: { role: 'user', parts: 'text' } },
        { kind: 'conversation', message: { role: 'user', parts: [{ type: 'other' }] } },
        { kind: 'conversation', message: { role: 'user', parts: [], status: 'other' } },
        { kind: 'conversation', message: { role: 'user', parts: [] }, usage: { inputTokens: -1 } },
        { kind: 'tool', invocation: { callId: 'c', tool: 't', args: {}, durationMs: 1 } },
        { kind: 'plugin', pluginType: 'p' },
        message(undefined),
        message(5),
      ];
      await unchangedBy(author.store, async () => {
        for (const body of bodies) await rejects(author.commit(smuggles(body)), 'InvalidInput');
      });
    },
  },
  {
    name: '[ST13] an append of no nodes is InvalidInput',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await rejects(author.say(), 'InvalidInput');
    },
  },
  {
    name: '[ST13] a request that cannot be meant is InvalidInput, and nothing changes',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const wrong: readonly unknown[] = [
        { expectedRevision: -1 },
        { expectedRevision: 0.5 },
        { epoch: -1 },
        { operationId: '' },
        { operationId: 'x'.repeat(129) },
        { operationId: '\u20ac'.repeat(43) },
        { change: { kind: 'replace' } },
        { change: { kind: 'branch' } },
        { change: { kind: 'append', parentId: 5, nodes: [says('a')] } },
        { change: { kind: 'append', nodes: [says('a')] } },
        { change: { kind: 'append', parentId: null, nodes: [says('a')], requires: 5 } },
        { change: { kind: 'append', parentId: null, nodes: [{ ...says('a'), createdAt: 0.5 }] } },
        { usage: [{ source: 'turn', model: 'm' }] },
        { usage: [{ ...used(1), model: undefined }] },
        { usage: [used(-1)] },
        { usage: [used(0.5)] },
      ];
      await unchangedBy(author.store, async () => {
        for (const fields of wrong) {
          const commit = author.commit({ kind: 'unchanged' }, fields as Partial<CommitRequest>);
          await rejects(commit, 'InvalidInput');
        }
      });
    },
  },
  {
    name: '[ST13] operation ids may be 128 bytes long and hold any character',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      for (const operationId of [
        'x'.repeat(128),
        '\u20ac'.repeat(42),
        '\u0000',
        ' ',
        '\ud83d\ude00/#?\n',
        '[]',
      ]) {
        const { head } = await author.store.load({ kind: 'head' });
        const receipt = await author.commit(appends(head.leaf, [operationId]), { operationId });
        equal((await author.store.loadNode(`${operationId}.0`)).id, receipt.leaf);
      }
      equal((await author.texts()).length, 6);
    },
  },
  {
    name: '[ST14] what was acknowledged is there for everyone',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const other = await (await reopen()).open('session', { kind: 'open' });
      for (let index = 0; index < 10; index++) {
        const { head, leaf } = await author.commit(
          appends(index === 0 ? null : `op-${index}.0`, [String(index)]),
        );
        const seen = await other.load({ kind: 'path', limit: 1 });
        equal([seen.head, seen.nodes[0]?.id], [head, leaf]);
      }
    },
  },
  {
    name: '[ST15] many calls at once all settle, each as if it were alone',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b');
      const calls = Array.from({ length: 40 }, async (_, index) => {
        if (index % 4 === 0) return author.store.takeLease();
        if (index % 4 === 1) return author.store.load({ kind: 'path' });
        if (index % 4 === 2) return author.store.saveSessionMeta({ title: `t${index}`, at: index });
        return author.store.siblings(['op-1.1']);
      });
      await Promise.all(calls);
      equal((await author.store.load({ kind: 'head' })).epoch, 10);
    },
  },
  {
    name: '[ST20] a commit may ask for either durability',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.commit(appends(null, ['a']), { durability: 'strict' });
      await author.commit(appends('op-1.0', ['b']), { durability: 'relaxed' });
      equal(await author.texts(), ['a', 'b']);
    },
  },
];
