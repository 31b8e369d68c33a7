import type { Checkpoint, CheckpointChange } from '../contract/checkpoint.ts';
import type { SessionStore } from '../contract/store.ts';
import { equal, ok, rejects } from './assert.ts';
import { appends, Author } from './author.ts';
import { orphansOf, type StoreCase, unchangedBy } from './store-context.ts';

/** A change of one component named `state`. */
function state(body: string, version = 1): CheckpointChange {
  return { state: { version, body } };
}

/** The checkpoint that holds at the leaf, or at another node. */
async function at(store: SessionStore, leaf?: string): Promise<Checkpoint | null> {
  const place = leaf === undefined ? {} : { leaf };
  const { checkpoint } = await store.load({ kind: 'path', limit: 1, checkpoint: true, ...place });
  if (checkpoint === undefined) throw new Error('the checkpoint was asked for');
  return checkpoint;
}

/** The node and the body of `state` there, or `null`. */
async function stateAt(store: SessionStore, leaf?: string): Promise<unknown> {
  const found = await at(store, leaf);
  return found === null ? null : [found.nodeId, found.components['state']?.body ?? null];
}

/** What a snapshot promises of checkpoints, and laws CP1 and CP2. Their removal is in another list. */
export const storeCheckpointCases: readonly StoreCase[] = [
  {
    name: '[ST7] a checkpoint is read with the path it belongs to, in every tab, and only where it is asked for',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const change: CheckpointChange = {
        prompt: { version: 3, body: { list: [1, null, true, { deep: 'text \ud83d\ude00' }] } },
        empty: { version: 0, body: null },
        ['__proto__']: { version: 1, body: 'a name like any other' },
        constructor: { version: 1, body: [] },
      };
      await author.commit(appends(null, ['a', 'b']), { checkpoint: change });
      const other = await (await reopen()).open('session', { kind: 'open' });
      for (const store of [author.store, other]) {
        const found = await at(store);
        equal(found?.nodeId, 'op-1.1');
        const components = Object.entries(found?.components ?? {});
        const plain = components.map(([name, { version, body }]) => [name, { version, body }] as const);
        equal(Object.fromEntries(plain), change);
        for (const [, { id }] of components) ok(/^[\da-f]{64}$/.test(id), `${id} is not a SHA-256`);
        equal((await store.load({ kind: 'path' })).checkpoint, undefined);
      }
    },
  },
  {
    name: '[ST7] a checkpoint holds on at later nodes, and on no branch that left before it',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      equal(await at(author.store), null);
      await author.say('a');
      equal(await at(author.store), null);
      await author.commit(appends('op-1.0', ['b']), { checkpoint: state('B') });
      await author.say('c', 'd');
      equal(await stateAt(author.store), ['op-2.0', 'B']);
      await author.sayBelow('op-1.0', 'x');
      equal(await at(author.store), null);
      await author.commit(appends('op-4.0', ['y']), { checkpoint: state('Y') });
      equal(await stateAt(author.store), ['op-5.0', 'Y']);
      await author.sayBelow('op-3.0', 'z');
      equal(await stateAt(author.store), ['op-2.0', 'B']);
      equal(await stateAt(author.store, 'op-5.0'), ['op-5.0', 'Y']);
      equal(await at(author.store, 'op-1.0'), null);
      const { checkpoint } = await author.store.load({ kind: 'path', leaf: null, checkpoint: true });
      equal(checkpoint, null);
    },
  },
  {
    name: '[ST7] the checkpoint of a fork in the middle of a commit is that of its own ancestors',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.commit(appends(null, ['a', 'b', 'c']), { checkpoint: state('at c') });
      await author.sayBelow('op-1.1', 'x');
      equal(await at(author.store), null);
      await author.sayBelow('op-1.2', 'y');
      equal(await stateAt(author.store), ['op-1.2', 'at c']);
    },
  },
  {
    name: '[ST2] a checkpoint comes with any kind of commit and belongs to the leaf that this leaves behind',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.commit(appends(null, ['a', 'b', 'c']), { checkpoint: state('first') });
      await author.commit({ kind: 'branch', leaf: 'op-1.1' }, { checkpoint: state('branched') });
      equal(await stateAt(author.store), ['op-1.1', 'branched']);
      await author.commit({ kind: 'unchanged' }, { checkpoint: state('again') });
      equal(await stateAt(author.store), ['op-1.1', 'again']);
      equal(await stateAt(author.store, 'op-1.2'), ['op-1.2', 'first']);
      equal(await at(author.store, 'op-1.0'), null);
    },
  },
  {
    name: '[CP1] the same body has one id, however it was written; another body or version has another one',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const other = await Author.create(factory, 'other');
      const ids = async (one: Author, body: CheckpointChange[string]): Promise<unknown> => {
        const { leaf } = (await one.store.load({ kind: 'head' })).head;
        await one.commit(appends(leaf, ['next']), { checkpoint: { state: body } });
        return (await at(one.store))?.components['state']?.id;
      };
      const first = await ids(author, { version: 1, body: { a: 1, b: [2] } });
      equal(await ids(author, { version: 1, body: { b: [2], a: 1 } }), first);
      equal(await ids(other, { version: 1, body: { a: 1, b: [2] } }), first);
      ok((await ids(author, { version: 2, body: { a: 1, b: [2] } })) !== first, 'the version counts');
      ok((await ids(author, { version: 1, body: { a: 1, b: [3] } })) !== first, 'the body counts');
    },
  },
  {
    name: '[CP2] what a change does not name is gone; a component that did not change is named by its id',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const both: CheckpointChange = {
        one: { version: 1, body: 'one' },
        two: { version: 1, body: { text: 'two' } },
      };
      await author.commit(appends(null, ['a']), { checkpoint: both });
      const { two } = (await at(author.store))?.components ?? {};
      ok(two !== undefined, 'the component is missing');
      await author.commit(appends('op-1.0', ['b']), { checkpoint: { renamed: { id: two.id } } });
      equal(await at(author.store), { nodeId: 'op-2.0', components: { renamed: two } });
      await author.commit(appends('op-2.0', ['c']), { checkpoint: {} });
      equal(await at(author.store), { nodeId: 'op-3.0', components: {} });
    },
  },
  {
    name: '[CP2] a component that is not stored in this session is ComponentNotFound, and nothing changes',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const other = await Author.create(factory, 'other');
      await other.commit(appends(null, ['a']), { checkpoint: state('theirs') });
      const foreign = (await at(other.store))?.components['state']?.id ?? '';
      await author.say('a');
      await unchangedBy(author.store, async () => {
        for (const componentId of [foreign, '0'.repeat(64)]) {
          const checkpoint = { new: { version: 1, body: 'new' }, state: { id: componentId } };
          const commit = author.commit(appends('op-1.0', ['b']), { checkpoint });
          await rejects(commit, 'ComponentNotFound', { sessionId: 'session', componentId });
        }
      });
      equal(await at(author.store), null);
    },
  },
  {
    name: '[ST4] a checkpoint is part of what an operation is',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const request = await author.request(appends(null, ['a']), { checkpoint: state('one') });
      await author.store.commit(request);
      await author.commit({ kind: 'unchanged' }, { checkpoint: state('two') });
      equal((await author.store.commit(request)).replayed, true);
      equal(await stateAt(author.store), ['op-1.0', 'two']);
      const { operationId } = request;
      const { checkpoint: _, ...without } = request;
      for (const changed of [
        without,
        { ...request, checkpoint: state('other') },
        { ...request, checkpoint: {} },
      ])
        await rejects(author.store.commit(changed), 'OperationConflict', { operationId });
      equal(await stateAt(author.store), ['op-1.0', 'two']);
    },
  },
  {
    name: '[ST3] a commit that loses leaves no checkpoint behind',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      const late = { checkpoint: state('lost') };
      await rejects(
        author.commit({ kind: 'unchanged' }, { ...late, expectedRevision: 0 }),
        'HeadRevisionConflict',
      );
      await rejects(author.commit({ kind: 'unchanged' }, { ...late, epoch: 1 }), 'WriterFenced');
      equal(await at(author.store), null);
    },
  },
  {
    name: '[ST2] a checkpoint without a leaf to belong to is InvalidInput, and nothing changes',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await unchangedBy(author.store, async () => {
        const checkpoint = state('nowhere');
        await rejects(author.commit({ kind: 'unchanged' }, { checkpoint }), 'InvalidInput');
        await rejects(author.commit({ kind: 'branch', leaf: null }, { checkpoint }), 'InvalidInput');
      });
    },
  },
  {
    name: '[ST13] a checkpoint that cannot be meant is refused before anything is written',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      await unchangedBy(author.store, async () => {
        const wrong: readonly unknown[] = [
          null,
          [],
          'text',
          { state: null },
          { state: 'text' },
          { state: {} },
          { state: { id: 5 } },
          { state: { id: '' } },
          { state: { version: -1, body: null } },
          { state: { version: 1.5, body: null } },
          { state: { body: 'no version' } },
        ];
        for (const checkpoint of wrong) {
          const commit = author.commit({ kind: 'unchanged' }, { checkpoint: checkpoint as CheckpointChange });
          await rejects(commit, 'InvalidInput');
        }
        const code = { state: { version: 1, body: (() => 1) as never } };
        await rejects(author.commit({ kind: 'unchanged' }, { checkpoint: code }), 'NotData');
      });
    },
  },
  {
    name: '[ST13] the bodies of a checkpoint count towards the commit budget',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      await unchangedBy(author.store, async () => {
        const checkpoint = state('x'.repeat(factory.commitBudget.bytes));
        await rejects(author.commit({ kind: 'unchanged' }, { checkpoint }), 'CommitBudgetExceeded');
      });
      equal(await at(author.store), null);
    },
  },
  {
    name: '[ST1] what a caller changes in a checkpoint that was given or loaded is not stored',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const body = { text: 'as it was' };
      const request = await author.request(appends(null, ['a']), {
        checkpoint: { state: { version: 1, body } },
      });
      const pending = author.store.commit(request);
      body.text = 'changed';
      await pending;
      const loaded = (await at(author.store))?.components['state']?.body;
      if (typeof loaded === 'object' && loaded !== null) Reflect.set(loaded, 'text', 'changed');
      equal(await stateAt(author.store), ['op-1.0', { text: 'as it was' }]);
    },
  },
];

/** Law CP3 and ST10: how checkpoints and their components end. */
export const storeComponentCases: readonly StoreCase[] = [
  {
    name: '[CP3] a checkpoint dies with its node, and holds none',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.commit(appends(null, ['a']), { checkpoint: state('kept') });
      await author.commit(appends('op-1.0', ['b']), { checkpoint: state('gone') });
      await author.branch('op-1.0');
      equal(await orphansOf(author.store), ['op-2.0']);
      await author.store.tombstoneNodes(['op-2.0']);
      await rejects(at(author.store, 'op-2.0'), 'NodeNotFound');
      equal((await author.store.vacuum()).removedNodes, 1);
      equal(await stateAt(author.store), ['op-1.0', 'kept']);
      const { components } = await author.store.gcUnreachable();
      equal([components.status, components.kept, components.removed], ['Swept', 1, 1]);
      ok(components.removedBytes > 0, 'a component takes bytes');
      await author.commit(appends('op-1.0', ['c'], 'op-1.0'), { operationId: 'op-2' });
      equal(await stateAt(author.store), ['op-1.0', 'kept']);
    },
  },
  {
    name: '[CP3] the component of a checkpoint that was replaced at its own node is removed, and no other one',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const shared = { version: 1, body: 'shared' };
      await author.commit(appends(null, ['a']), { checkpoint: { shared, ...state('old') } });
      const old = (await at(author.store))?.components['state']?.id ?? '';
      await author.commit({ kind: 'unchanged' }, { checkpoint: { shared, ...state('new') } });
      const { components } = await author.store.gcUnreachable();
      equal([components.status, components.kept, components.removed], ['Swept', 2, 1]);
      equal(await stateAt(author.store), ['op-1.0', 'new']);
      const again = author.commit({ kind: 'unchanged' }, { checkpoint: { state: { id: old } } });
      await rejects(again, 'ComponentNotFound', { sessionId: 'session', componentId: old });
      await author.commit({ kind: 'unchanged' }, { checkpoint: state('old') });
      equal(await stateAt(author.store), ['op-1.0', 'old']);
    },
  },
  {
    name: '[ST10] a sweep has nothing to do where there is no component, or where each is named, on any branch',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      equal((await author.store.gcUnreachable()).components.status, 'NothingToDo');
      await author.commit(appends(null, ['a']), { checkpoint: state('on an orphan') });
      await author.branch(null);
      await author.commit(appends(null, ['A']), { checkpoint: state('on the path') });
      const { components } = await author.store.gcUnreachable();
      equal([components.status, components.kept, components.removed], ['NothingToDo', 2, 0]);
      equal(await stateAt(author.store, 'op-1.0'), ['op-1.0', 'on an orphan']);
    },
  },
  {
    name: '[ST10] a sweep that finds no checkpoint while there are components refuses, and removes nothing',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.commit(appends(null, ['a']), { checkpoint: state('only one') });
      const id = (await at(author.store))?.components['state']?.id ?? '';
      await author.branch(null);
      await author.store.tombstoneNodes(['op-1.0']);
      await author.store.vacuum();
      await author.say('A');
      const { status, components } = await author.store.gcUnreachable();
      equal([status, components.status, components.removed], ['Refused', 'Refused', 0]);
      await author.commit({ kind: 'unchanged' }, { checkpoint: { state: { id } } });
      equal(await stateAt(author.store), ['op-3.0', 'only one']);
    },
  },
  {
    name: '[ST10] a checkpoint of no components is one: what it left out goes',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.commit(appends(null, ['a']), { checkpoint: state('left out') });
      await author.commit({ kind: 'unchanged' }, { checkpoint: {} });
      const { components } = await author.store.gcUnreachable();
      equal([components.status, components.kept, components.removed], ['Swept', 0, 1]);
      equal(await at(author.store), { nodeId: 'op-1.0', components: {} });
    },
  },
  {
    name: '[ST10] a sweep of components is bound to its session',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const other = await Author.create(factory, 'other');
      for (const one of [author, other]) {
        await one.commit(appends(null, ['a']), { checkpoint: state('old') });
        await one.commit({ kind: 'unchanged' }, { checkpoint: state('new') });
      }
      await author.store.gcUnreachable();
      equal((await other.store.gcUnreachable()).components.removed, 1);
    },
  },
];
