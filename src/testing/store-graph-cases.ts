import type { AttachmentRef } from '../core/attachment.ts';
import type { NodeBody } from '../core/node.ts';
import { equal, ok, rejects } from './assert.ts';
import { putText } from './attached.ts';
import { appends, Author, says, textOf } from './author.ts';
import { type StoreCase, unchangedBy } from './store-context.ts';

/** A body of each kind, with attachments wherever one may be. */
const bodiesWith = (attachment: AttachmentRef): readonly NodeBody[] => [
  {
    kind: 'conversation',
    turnId: 'turn',
    model: 'test-model',
    usage: { inputTokens: 3, outputTokens: 2, cachedInputTokens: 1, reasoningTokens: 0 },
    message: {
      role: 'assistant',
      status: 'incomplete',
      parts: [
        { type: 'reasoning', text: 'thinking', replay: { signature: 'x' } },
        { type: 'text', text: 'prose \u0000 \ud83d\ude00 \ud800' },
        { type: 'tool-call', callId: 'c', tool: 't', args: { list: [1, null, true, { deep: 'text' }] } },
        { type: 'image', attachment: { ...attachment, mime: 'image/png', width: 1, height: 2 } },
        { type: 'file', attachment: { ...attachment, name: 'notes.txt' } },
      ],
    },
  },
  {
    kind: 'tool',
    invocation: {
      callId: 'c',
      tool: 't',
      args: 'not json',
      outcome: {
        status: 'success',
        value: null,
        overflow: attachment,
      },
      durationMs: 1.5,
    },
  },
  {
    kind: 'tool',
    invocation: {
      callId: 'd',
      tool: 't',
      args: null,
      outcome: { status: 'failure', class: 'execution', code: 'ToolFailed', retryable: false, message: 'no' },
      durationMs: 0,
    },
  },
  { kind: 'plugin', pluginType: 'bookmark', data: { at: 1 } },
];

/** Laws ST1, ST2 and ST5: what a commit does to the graph. */
export const storeGraphCases: readonly StoreCase[] = [
  {
    name: '[ST1] a node is read back as it was written, whatever it holds',
    run: async ({ factory, reopen, attachments }) => {
      const author = await Author.create(factory);
      const nodes = bodiesWith(await putText(attachments, 'bytes')).map((body, index) => ({
        createdAt: index,
        body,
      }));
      await author.commit({ kind: 'append', parentId: null, nodes });
      const again = await (await reopen()).open('session', { kind: 'open' });
      const stored = await again.load({ kind: 'path' });
      equal(
        stored.nodes.map(({ createdAt, body }) => ({ createdAt, body })),
        nodes,
      );
    },
  },
  {
    name: '[ST1] later commits leave every earlier node as it was, on the path or off it',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const first = await author.say('a', 'b', 'c');
      const before = await Promise.all(first.map((id) => author.store.loadNode(id)));
      await author.sayBelow(first[0] ?? null, 'x');
      await author.branch(null);
      await author.say('y');
      await author.commit({ kind: 'unchanged' });
      equal(await Promise.all(first.map((id) => author.store.loadNode(id))), before);
    },
  },
  {
    name: '[ST1] what a caller changes in a request after the call is not stored',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const part = { type: 'text' as const, text: 'as it was' };
      const draft = says('');
      const body = { kind: 'conversation' as const, message: { role: 'user' as const, parts: [part] } };
      const change = { kind: 'append' as const, parentId: null, nodes: [{ ...draft, body }] };
      const pending = author.store.commit(await author.request(change));
      part.text = 'changed while it was written';
      await pending;
      part.text = 'changed afterwards';
      equal(await author.texts(), ['as it was']);
    },
  },
  {
    name: '[ST1] what a caller changes in what was loaded is not stored',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const [id = ''] = await author.say('as it was');
      const node = await author.store.loadNode(id);
      Reflect.set(node, 'createdAt', 99);
      if (node.body.kind === 'conversation')
        Reflect.set(node.body.message.parts, 0, { type: 'text', text: 'other' });
      equal(await author.texts(), ['as it was']);
      equal((await author.store.loadNode(id)).createdAt, 1);
    },
  },
  {
    name: '[ST2] an unchanged commit makes a revision and leaves the graph alone',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const [, leaf = ''] = await author.say('a', 'b');
      const before = await author.store.load({ kind: 'all' });
      const receipt = await author.commit({ kind: 'unchanged' });
      const after = await author.store.load({ kind: 'all' });
      equal(after.nodes, before.nodes);
      equal(after.head, { ...before.head, revision: before.head.revision + 1 });
      equal([receipt.nodeIds, receipt.leaf, receipt.revision], [[], leaf, after.head.revision]);
    },
  },
  {
    name: '[ST2] an append is a chain below its parent, and the leaf is the last of it',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const [a] = await author.say('a');
      const ids = await author.say('b', 'c');
      const { head, nodes } = await author.store.load({ kind: 'path' });
      equal(
        nodes.map((node) => [node.id, node.parentId, textOf(node)]),
        [
          [a, null, 'a'],
          [ids[0], a, 'b'],
          [ids[1], ids[0], 'c'],
        ],
      );
      equal([head.leaf, head.nodeCount, head.revision], [ids[1], 3, 2]);
    },
  },
  {
    name: '[ST2] an append below an inner node moves the leaf and keeps the old branch',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const old = await author.say('a', 'b', 'c');
      await author.sayBelow(old[0] ?? null, 'B', 'C');
      equal(await author.texts(), ['a', 'B', 'C']);
      equal(await author.texts(old[2]), ['a', 'b', 'c']);
    },
  },
  {
    name: '[ST2] an append in the middle of what one commit wrote keeps both sides',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const old = await author.say('a', 'b', 'c', 'd');
      const [x = ''] = await author.sayBelow(old[1] ?? null, 'x');
      equal(await author.texts(old[3]), ['a', 'b', 'c', 'd']);
      equal((await author.store.loadNode(x)).parentId, old[1]);
      await author.sayBelow(old[3] ?? null, 'e');
      equal(await author.texts(), ['a', 'b', 'c', 'd', 'e']);
    },
  },
  {
    name: '[ST2] a branch moves the leaf to any stored node, and the next append follows on it',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const old = await author.say('a', 'b', 'c');
      await author.sayBelow(old[0] ?? null, 'x');
      await author.branch(old[1] ?? null);
      equal(await author.texts(), ['a', 'b']);
      const again = new Author(await (await reopen()).open('session', { kind: 'open' }));
      const { head, epoch } = await again.store.load({ kind: 'head' });
      const change = appends(head.leaf, ['z']);
      await again.store.commit({
        operationId: 'later',
        expectedRevision: head.revision,
        epoch,
        change,
        usage: [],
      });
      equal(await author.texts(), ['a', 'b', 'z']);
      equal(await author.texts(old[2]), ['a', 'b', 'c']);
    },
  },
  {
    name: '[ST2] a branch writes no node: the leaf is the very node that was named',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b', 'c');
      await author.sayBelow('op-1.0', 'x');
      const before = await author.store.load({ kind: 'all' });
      const receipt = await author.branch('op-1.1');
      equal([receipt.nodeIds, receipt.leaf], [[], 'op-1.1']);
      const after = await author.store.load({ kind: 'all' });
      equal(after.nodes, before.nodes);
      equal(after.head, { ...before.head, leaf: 'op-1.1', revision: before.head.revision + 1 });
    },
  },
  {
    name: '[ST2] a branch back to the end of a chain goes on there',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const first = await author.say('a', 'b');
      const second = await author.sayBelow(first[0] ?? null, 'x');
      await author.branch(first[1] ?? null);
      await author.say('c');
      await author.branch(second[0] ?? null);
      await author.say('y');
      equal(await author.texts(), ['a', 'x', 'y']);
      await author.branch(first[1] ?? null);
      equal(await author.texts(), ['a', 'b']);
    },
  },
  {
    name: '[ST2] a branch before the first node empties the path, and an append then makes another root',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const first = await author.say('a', 'b');
      const receipt = await author.branch(null);
      equal([receipt.leaf, receipt.head.leaf, await author.texts()], [null, null, []]);
      const [root = ''] = await author.say('A');
      equal((await author.store.loadNode(root)).parentId, null);
      equal(await author.texts(), ['A']);
      equal(await author.texts(first[1]), ['a', 'b']);
    },
  },
  {
    name: '[ST2] a branch on a session without nodes to before the first node is no error',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.branch(null);
      await author.say('a');
      equal(await author.texts(), ['a']);
    },
  },
  {
    name: '[ST2] an append accepts a required node that is an ancestor of the leaf',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const old = await author.say('a', 'b', 'c');
      const fork = await author.sayBelow(old[1] ?? null, 'x', 'y');
      await author.commit(appends(fork[1] ?? null, ['z'], old[0]));
      await author.commit(appends(fork[1] ?? null, ['w'], fork[0]));
      equal(await author.texts(), ['a', 'b', 'x', 'y', 'w']);
    },
  },
  {
    name: '[ST2] a required node that is off the active path is StaleBranch, and nothing changes',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const old = await author.say('a', 'b', 'c');
      const [leaf = ''] = await author.sayBelow(old[0] ?? null, 'x');
      await unchangedBy(author.store, async () => {
        await rejects(author.commit(appends(leaf, ['y'], old[1])), 'StaleBranch', { leaf });
        await rejects(author.commit(appends(leaf, ['y'], 'nobody.0')), 'StaleBranch', { leaf });
        await rejects(author.commit(appends(leaf, ['y'], 'nobody')), 'StaleBranch', { leaf });
      });
    },
  },
  {
    name: '[ST2] on an empty path every required node is StaleBranch',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const [a] = await author.say('a');
      await author.branch(null);
      await rejects(author.commit(appends(null, ['b'], a)), 'StaleBranch', { leaf: null });
    },
  },
  {
    name: '[ST5] a parent or leaf that is not stored is NodeNotFound, and nothing changes',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b');
      await unchangedBy(author.store, async () => {
        for (const nodeId of [
          '',
          'nobody',
          'nobody.0',
          'op-1',
          'op-1.',
          'op-1.2',
          'op-1.00',
          'op-1.-1',
          'op-1.0x',
        ]) {
          const data = { sessionId: 'session', nodeId };
          await rejects(author.commit(appends(nodeId, ['x'])), 'NodeNotFound', data);
          await rejects(author.branch(nodeId), 'NodeNotFound', data);
        }
      });
    },
  },
  {
    name: '[ST5] a node of another session is no parent',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const other = await Author.create(factory, 'other');
      const [foreign = ''] = await other.say('a');
      await unchangedBy(author.store, async () => {
        await rejects(author.commit(appends(foreign, ['x'])), 'NodeNotFound');
      });
    },
  },
  {
    name: '[ST5] operations whose names look like node ids do not collide',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const ids: string[] = [];
      for (const operationId of ['a', 'a.0', 'a.1', 'a.0.0', '.', '0']) {
        const { head } = await author.store.load({ kind: 'head' });
        const receipt = await author.commit(appends(head.leaf, [`${operationId}!`, `${operationId}?`]), {
          operationId,
        });
        ids.push(...receipt.nodeIds);
      }
      ok(new Set(ids).size === 12, 'two nodes have one id');
      const nodes = await Promise.all(ids.map((id) => author.store.loadNode(id)));
      equal(nodes.map(textOf), await author.texts());
    },
  },
];
