import type { StoredTask, TaskWrite } from '../contract/task-store.ts';
import { isLashError } from '../core/error.ts';
import type { JsonValue } from '../core/json.ts';
import { equal, ok, rejects } from './assert.ts';
import { Author } from './author.ts';
import { everyTaskCall, type StoreCase, unchangedBy } from './store-context.ts';

function task(taskId: string, expected = 0, body: JsonValue = { at: expected }): TaskWrite {
  return { taskId, expected, body };
}

/** What is stored once {@link task} was written. */
function stored(taskId: string, version = 1, body: JsonValue = { at: version - 1 }): StoredTask {
  return { taskId, version, body };
}

/** A body of this many bytes as JSON. */
function sized(bytes: number): JsonValue {
  const text = '\u20ac'.repeat(100);
  return text + 'x'.repeat(bytes - 302);
}

const MAX_BODY = 64 * 1024;

/** The records of background tasks: rules TK1–TK4, and laws ST3, ST12–ST14 for them. */
export const storeTaskCases: readonly StoreCase[] = [
  {
    name: '[TK1] a write stands on the version before it: each counts up by one, and what is there is what was written last',
    run: async ({ factory, reopen }) => {
      const { store } = await Author.create(factory);
      equal(await store.tasks.find('t'), null);
      equal(await store.tasks.write(task('t')), stored('t'));
      equal(await store.tasks.write(task('t', 1)), stored('t', 2));
      equal(await store.tasks.write(task('t', 2, null)), stored('t', 3, null));
      const other = await (await reopen()).open('session', { kind: 'open' });
      equal(await other.tasks.write(task('t', 3, ['x', { y: 1.5 }])), stored('t', 4, ['x', { y: 1.5 }]));
      for (const { tasks } of [store, other]) equal(await tasks.find('t'), stored('t', 4, ['x', { y: 1.5 }]));
    },
  },
  {
    name: '[TK1] a write on any other version is TaskConflict with the version that is there, and changes nothing',
    run: async ({ factory }) => {
      const { store } = await Author.create(factory);
      const { tasks } = store;
      for (const version of [0, 1, 2]) {
        for (const expected of [0, 1, 2, 3, Number.MAX_SAFE_INTEGER].filter((one) => one !== version)) {
          const data = { sessionId: 'session', taskId: 't', expected, actual: version };
          await unchangedBy(store, () => rejects(tasks.write(task('t', expected)), 'TaskConflict', data));
        }
        await tasks.write(task('t', version));
      }
      await unchangedBy(store, () => rejects(tasks.write(task('t', 2, { at: 2 })), 'TaskConflict'));
    },
  },
  {
    name: '[TK1] of many writes of any tab that stand on one version, alike to the letter, one is applied',
    run: async ({ factory, reopen }) => {
      const { store } = await Author.create(factory);
      const other = await (await reopen()).open('session', { kind: 'open' });
      for (const expected of [0, 1]) {
        const writes = [store, other, store, other, store].map(({ tasks }) =>
          tasks.write(task('t', expected)),
        );
        const outcomes = await Promise.allSettled(writes);
        const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
        equal(outcomes.length - lost.length, 1);
        for (const { reason } of lost) ok(isLashError(reason, 'TaskConflict'), String(reason));
      }
      equal(await store.tasks.list(), [stored('t', 2)]);
    },
  },
  {
    name: '[TK1] a write takes no lease, no revision and no place in the list, and no lease fences it',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await author.store.takeLease();
      const request = await author.request({ kind: 'unchanged' });
      const other = await (await reopen()).open('session', { kind: 'open' });
      const before = [await factory.list({}), await author.store.inventory()];
      await other.tasks.write(task('t', 0, sized(9000)));
      equal([await factory.list({}), await author.store.inventory()], before);
      await author.store.commit(request);
      await author.store.takeLease();
      equal(await other.tasks.write(task('t', 1)), stored('t', 2));
    },
  },
  {
    name: '[TK1] what a caller changes in a body that was given or returned is not stored, not even right after the call',
    run: async ({ factory }) => {
      const { tasks } = (await Author.create(factory)).store;
      const change = { taskId: 't', expected: 0, body: { list: [1] } };
      const writing = tasks.write(change);
      change.taskId = 'other';
      change.body.list.push(2);
      Reflect.set((await writing).body as object, 'list', 'changed');
      Reflect.set((await tasks.find('t'))?.body as object, 'list', 'changed');
      for (const { body } of await tasks.list()) Reflect.set(body as object, 'list', 'changed');
      equal(await tasks.list(), [stored('t', 1, { list: [1] })]);
      const ids = ['t'];
      const removing = tasks.remove(ids);
      ids[0] = 'other';
      await removing;
      equal(await tasks.list(), []);
    },
  },
  {
    name: '[TK2] a record is there until it is removed; ids that are not there are fine, and the others stay',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const { tasks } = author.store;
      for (const id of ['a', 'b', 'c']) await tasks.write(task(id));
      await author.say('x');
      await author.branch(null);
      await author.store.tombstoneNodes(['op-1.0']);
      await author.store.vacuum();
      await author.store.gcUnreachable();
      await tasks.remove(['nobody', 'b', 'b']);
      await tasks.remove([]);
      const other = await (await reopen()).open('session', { kind: 'open' });
      for (const one of [tasks, other.tasks]) {
        equal(await one.list(), [stored('a'), stored('c')]);
        equal(await one.find('b'), null);
        await one.remove(['b']);
      }
    },
  },
  {
    name: '[TK2] a record that was removed is made again from version 1',
    run: async ({ factory }) => {
      const { tasks } = (await Author.create(factory)).store;
      await tasks.write(task('t'));
      await tasks.write(task('t', 1));
      await tasks.remove(['t']);
      await rejects(tasks.write(task('t', 2)), 'TaskConflict', {
        sessionId: 'session',
        taskId: 't',
        expected: 2,
        actual: 0,
      });
      equal(await tasks.write(task('t', 0, 'again')), stored('t', 1, 'again'));
    },
  },
  {
    name: '[TK3] records are listed by id, whatever characters it has and whichever was written last',
    run: async ({ factory }) => {
      const { tasks } = (await Author.create(factory)).store;
      const ids = [
        'b',
        'a',
        '10',
        '9',
        'a\u0000',
        'B',
        '\ud83d\ude00',
        '\uffff',
        '__proto__',
        'x'.repeat(128),
      ];
      for (const id of ids) await tasks.write(task(id));
      await tasks.write(task('a', 1));
      equal(
        await tasks.list(),
        ids.toSorted().map((id) => stored(id, id === 'a' ? 2 : 1)),
      );
    },
  },
  {
    name: '[TK4] a body may have 64 KiB as JSON in UTF-8; a longer one is InvalidInput, and nothing is written',
    run: async ({ factory }) => {
      const { tasks } = (await Author.create(factory)).store;
      await tasks.write(task('t', 0, sized(MAX_BODY)));
      await rejects(tasks.write(task('t', 1, sized(MAX_BODY + 1))), 'InvalidInput');
      await rejects(tasks.write(task('u', 0, sized(MAX_BODY + 1))), 'InvalidInput');
      equal(await tasks.list(), [stored('t', 1, sized(MAX_BODY))]);
    },
  },
  {
    name: '[TK4] a session has room for 1,000 records: one more is InvalidInput, those that are there change, and what goes makes room',
    run: async ({ factory }) => {
      const { tasks } = (await Author.create(factory)).store;
      const ids = Array.from({ length: 1000 }, (_, index) => `t${index}`);
      await Promise.all(ids.map((id) => tasks.write(task(id))));
      await rejects(tasks.write(task('more')), 'InvalidInput');
      equal(await tasks.write(task('t7', 1)), stored('t7', 2));
      const other = (await Author.create(factory, 'other')).store;
      await other.tasks.write(task('t'));
      await tasks.remove(['t8']);
      await tasks.write(task('more'));
      await rejects(tasks.write(task('t8')), 'InvalidInput');
      equal((await tasks.list()).length, 1000);
      await tasks.remove([...ids.slice(1), 'more']);
      equal(await tasks.list(), [stored('t0')]);
    },
  },
  {
    name: '[ST13] what is no id, no version, no data or too much of it is refused, and nothing is stored',
    run: async ({ factory }) => {
      const { store } = await Author.create(factory);
      const { tasks } = store;
      await tasks.write(task('t'));
      const noId = ['', 'x'.repeat(129), '\u20ac'.repeat(43), 5 as never, null as never, ['t'] as never];
      const noData: readonly JsonValue[] = [undefined as never, (() => 1) as never, { at: Number.NaN }];
      await unchangedBy(store, async () => {
        for (const id of noId) {
          await rejects(tasks.write(task(id)), 'InvalidInput');
          await rejects(tasks.remove(['t', id]), 'InvalidInput');
        }
        for (const expected of [-1, 0.5, '1' as never, null as never])
          await rejects(tasks.write({ taskId: 't', expected, body: 1 }), 'InvalidInput');
        for (const body of noData) await rejects(tasks.write({ taskId: 't', expected: 1, body }), 'NotData');
        const many = Array.from({ length: 1001 }, (_, index) => `t${index}`);
        await rejects(tasks.remove(['t', ...many]), 'InvalidInput');
        await rejects(tasks.remove('t' as never), 'InvalidInput');
      });
      equal(await tasks.find('x'.repeat(500)), null);
    },
  },
  {
    name: '[ST12] records go with their session, however many, and every call on them is SessionDeleted',
    run: async ({ factory, reopen }) => {
      const { store } = await Author.create(factory);
      const neighbour = (await Author.create(factory, 'session\u0000')).store;
      const ids = Array.from({ length: 250 }, (_, index) => `t${index}`);
      await Promise.all(ids.map((id) => store.tasks.write(task(id))));
      await neighbour.tasks.write(task('t1'));
      const tab = await reopen();
      const other = await tab.open('session', { kind: 'open' });
      await tab.delete('session');
      for (const call of [...everyTaskCall(store), ...everyTaskCall(other)])
        await rejects(call(), 'SessionDeleted', { sessionId: 'session' });
      equal(await neighbour.tasks.list(), [stored('t1')]);
      equal(await tab.finishDeletions(), []);
    },
  },
  {
    name: '[ST13] what an import writes of tasks shows once it is published, and goes with it when it is abandoned',
    run: async ({ factory }) => {
      const mode = {
        kind: 'create',
        title: 't',
        policy: { provider: { id: 'a', model: 'b' } },
        at: 1,
      } as const;
      const begun = await factory.beginImport('s', mode);
      await begun.store.tasks.write(task('t'));
      await begun.publish(null);
      equal(await (await factory.open('s', { kind: 'open' })).tasks.list(), [stored('t')]);
      const abandoned = await factory.beginImport('gone', mode);
      await abandoned.store.tasks.write(task('t'));
      await abandoned.abandon();
      await rejects(abandoned.store.tasks.list(), 'SessionDeleted');
    },
  },
  {
    name: '[TK2] the records of one session are no matter of another one',
    run: async ({ factory }) => {
      const one = (await Author.create(factory, 'one')).store;
      const two = (await Author.create(factory, 'two')).store;
      await one.tasks.write(task('t'));
      equal([await two.tasks.find('t'), await two.tasks.list()], [null, []]);
      await two.tasks.write(task('t', 0, 'two'));
      await two.tasks.remove(['t']);
      equal(await one.tasks.list(), [stored('t')]);
    },
  },
];
