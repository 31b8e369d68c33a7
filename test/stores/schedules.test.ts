import '../support/node-20.ts';
import { IDBKeyRange } from 'fake-indexeddb';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import type { GraphChange, SessionStore } from '../../src/contract/store.ts';
import type { AttachmentRef } from '../../src/core/attachment.ts';
import { isLashError } from '../../src/core/error.ts';
import { equal, ok } from '../../src/testing/assert.ts';
import { shows } from '../../src/testing/attachment-context.ts';
import { appends, createMode } from '../../src/testing/author.ts';
import { type Choose, type Explored, explore, sample } from './fibres.ts';
import { readRows } from './raw-check.ts';
import { type Journal, type Program, runSchedule, type ScheduledTab } from './schedule-bay.ts';

/** How many orders of a program are tried at most; where tabs may die, `npm test` tries a few of them only. */
const LIMIT = 5000;
const SAMPLE = Number(process.env['SOAK_SCHEDULES'] ?? 120);
const SEED = Number(process.env['SOAK_SEED'] ?? 20_261_122);
const SOON = { keepYoungerThanMs: 0 };

const NONE: Explored = { schedules: 0, complete: false };

/** Commits on what it just loaded. */
async function write(
  tab: ScheduledTab,
  store: SessionStore,
  operationId: string,
  change: GraphChange,
  checkpoint?: object,
): Promise<number> {
  const { head, epoch } = await store.load({ kind: 'head' });
  const request = { operationId, expectedRevision: head.revision, epoch, change, usage: [] };
  await tab.commit(
    store,
    checkpoint === undefined ? request : { ...request, checkpoint: checkpoint as never },
  );
  return epoch;
}

/** A session with two nodes, a branch of two that is left, and the leaf at `base.1`. */
async function setUpTree(tab: ScheduledTab): Promise<void> {
  const store = await tab.factory.open('session', createMode());
  await write(tab, store, 'base', appends(null, ['a', 'b']));
  await write(tab, store, 'left', appends('base.0', ['x', 'y']));
  await write(tab, store, 'back', { kind: 'branch', leaf: 'base.1' });
}

async function putBytes(tab: ScheduledTab, text: string, sessionId?: string): Promise<AttachmentRef> {
  const bytes = new TextEncoder().encode(text);
  return tab.attachments.put(
    bytes,
    { mime: 'text/plain' },
    sessionId === undefined ? undefined : { sessionId },
  );
}

function referTo(parentId: string | null, ref: AttachmentRef): GraphChange {
  return { kind: 'append', parentId, nodes: [shows(ref)] };
}

/** A session that refers to an attachment, so that a sweep sees a root. */
async function setUpWithRoot(tab: ScheduledTab): Promise<void> {
  await setUpTree(tab);
  const other = await tab.factory.open('other', createMode());
  await write(tab, other, 'root', referTo(null, await putBytes(tab, 'root', 'other')));
}

/** A reader sees one moment: the path that it gets ends at the leaf that comes with it (law ST7). */
async function readWhole(tab: ScheduledTab): Promise<void> {
  const { head, nodes } = await (await tab.open()).load({ kind: 'path' });
  equal([nodes.at(-1)?.id ?? null, nodes.length], [head.leaf, head.depth], 'head and path of one load');
}

function applied({ acknowledged }: Journal, operations: readonly string[]): readonly string[] {
  return operations.filter((operationId) => acknowledged.has(operationId));
}

const twoOnOneRevision: Omit<Program, 'kills' | 'name'> = {
  setUp: setUpTree,
  tabs: {
    first: async (tab) => void (await write(tab, await tab.open(), 'one', appends('base.1', ['one']))),
    second: async (tab) => void (await write(tab, await tab.open(), 'two', appends('base.1', ['two']))),
    reader: readWhole,
  },
  check: async ({ tab, journal }) => {
    const { head } = await (await tab.open()).load({ kind: 'head' });
    const { receipts } = await readRows('schedules');
    const made = receipts.filter(({ operationId }) => ['one', 'two'].includes(operationId));
    equal(head.revision, 3 + made.length, 'each revision is of one operation');
    ok(made.length >= applied(journal, ['one', 'two']).length, 'what was acknowledged was done');
    for (const code of journal.refused.values()) equal(code, 'HeadRevisionConflict');
  },
};

const writerAndTaker: Omit<Program, 'kills' | 'name'> = {
  setUp: setUpTree,
  tabs: {
    writer: async (tab) => {
      const store = await tab.open();
      const { head } = await store.load({ kind: 'head' });
      const rest = { epoch: 0, usage: [] };
      const first = { ...rest, operationId: 'w1', expectedRevision: head.revision };
      const receipt = await tab.commit(store, { ...first, change: appends('base.1', ['w1']) });
      if (receipt === undefined) return;
      const second = { ...rest, operationId: 'w2', expectedRevision: receipt.revision };
      await tab.commit(store, { ...second, change: appends('w1.0', ['w2']) });
    },
    taker: async (tab) => {
      const store = await tab.open();
      tab.note('epoch', await store.takeLease());
      tab.note('from', (await store.load({ kind: 'head' })).head.revision);
      await write(tab, store, 't1', { kind: 'branch', leaf: 'left.1' });
      await write(tab, store, 't2', appends('left.1', ['t2']));
    },
  },
  check: async ({ journal, killed }) => {
    const { acknowledged, refused, notes } = journal;
    for (const operationId of ['w1', 'w2']) {
      const code = refused.get(operationId);
      ok(code === undefined || code === 'WriterFenced', `the old writer was refused with ${code}`);
    }
    const from = notes.get('from');
    for (const operationId of applied(journal, ['w1', 'w2'])) {
      const revision = acknowledged.get(operationId)?.revision ?? 0;
      ok(from === undefined || revision <= Number(from), 'the old writer wrote after it was fenced');
    }
    if (!killed) equal(applied(journal, ['t1', 't2']), ['t1', 't2'], 'whoever holds the lease writes');
  },
};

const upkeep: Omit<Program, 'kills' | 'name'> = {
  setUp: setUpTree,
  tabs: {
    writer: async (tab) => {
      const store = await tab.open();
      await write(tab, store, 'go', { kind: 'branch', leaf: 'left.0' });
      await write(tab, store, 'on', appends('left.0', ['on']));
    },
    keeper: async (tab) => {
      const store = await tab.open();
      const { items } = await store.orphanedNodeIds();
      tab.note('tombstoned', await tab.tombstone(store, items));
      await store.vacuum();
    },
  },
  check: async ({ tab, journal }) => {
    const store = await tab.open();
    const { nodes, head } = await store.load({ kind: 'path' });
    equal(nodes.at(-1)?.id ?? null, head.leaf, 'the path of the leaf');
    const gone = (journal.notes.get('tombstoned') ?? []) as readonly string[];
    ok(!nodes.some(({ id }) => gone.includes(id)), 'what is on the path is not tombstoned');
    if (journal.acknowledged.has('go')) ok(!gone.includes('left.0'), 'the leaf was tombstoned');
  },
};

/** A writer, another one that takes the lease and moves away, and a keeper. */
const threeTabs: Omit<Program, 'kills' | 'name'> = {
  ...writerAndTaker,
  tabs: { ...writerAndTaker.tabs, keeper: upkeep.tabs['keeper'] ?? readWhole },
  check: async ({ tab, journal: { acknowledged, refused } }) => {
    for (const code of refused.values()) {
      ok(['WriterFenced', 'NodeNotFound', 'HeadRevisionConflict'].includes(code), `refused with ${code}`);
    }
    const revisions = [...acknowledged.values()].map(({ revision }) => revision);
    equal(new Set(revisions).size, revisions.length, 'two operations made one revision');
    await readWhole(tab);
  },
};

const pinned: Omit<Program, 'kills' | 'name'> = {
  setUp: setUpTree,
  tabs: {
    keeper: async (tab) => {
      const store = await tab.open();
      tab.note('tombstoned', await tab.tombstone(store, ['left.1', 'left.0']));
      await store.vacuum();
    },
    pinner: async (tab) => {
      const store = await tab.open();
      try {
        await store.pin('left.0');
        tab.note('pinned', true);
      } catch (error) {
        if (!isLashError(error, 'NodeNotFound')) throw error;
        tab.note('pinned', false);
      }
    },
    reader: readWhole,
  },
  check: async ({ journal: { notes }, killed }) => {
    const gone = ((notes.get('tombstoned') ?? []) as readonly string[]).includes('left.0');
    if (!killed) ok(gone !== notes.get('pinned'), 'of pinning and tombstoning one wins');
  },
};

/** A put for a session, then a commit that refers to it, while another tab sweeps all that is not referred to. */
const putAndSweep: Omit<Program, 'kills' | 'name'> = {
  setUp: setUpWithRoot,
  tabs: {
    writer: async (tab) => {
      const store = await tab.open();
      const ref = await putBytes(tab, 'new', 'session');
      await write(tab, store, 'refer', referTo('base.1', ref));
    },
    sweeper: async (tab) => void (await (await tab.open('other')).gcUnreachable(SOON)),
  },
  check: async ({ journal, killed }) => {
    if (!killed) equal(applied(journal, ['refer']), ['refer'], 'what a session put it can commit');
  },
};

/** The same bytes by nobody: the commit is refused or its bytes stay. */
const putByNobody: Omit<Program, 'kills' | 'name'> = {
  setUp: async (tab) => {
    await setUpWithRoot(tab);
    await putBytes(tab, 'new');
  },
  tabs: {
    writer: async (tab) => {
      const ref = { id: (await putBytes(tab, 'new')).id, mime: 'text/plain', byteLength: 3 };
      await write(tab, await tab.open(), 'refer', referTo('base.1', ref));
    },
    sweeper: async (tab) => void (await (await tab.open('other')).gcUnreachable(SOON)),
  },
  check: async ({ journal: { refused } }) => {
    for (const code of refused.values()) equal(code, 'AttachmentNotFound');
  },
};

/** What refers to bytes goes by vacuum and sweep while another session begins to refer to the same. */
const lastReference: Omit<Program, 'kills' | 'name'> = {
  setUp: async (tab) => {
    await setUpWithRoot(tab);
    const store = await tab.open();
    await write(tab, store, 'shared', referTo('base.1', await putBytes(tab, 'new', 'session')));
    await write(tab, store, 'leave', { kind: 'branch', leaf: 'base.1' });
    await tab.tombstone(store, ['shared.0']);
  },
  tabs: {
    keeper: async (tab) => {
      const store = await tab.open();
      await store.vacuum();
      await store.gcUnreachable(SOON);
    },
    writer: async (tab) => {
      const ref = await putBytes(tab, 'new', 'other');
      await write(tab, await tab.open('other'), 'refer', referTo('root.0', ref));
    },
  },
  check: async ({ journal, killed }) => {
    if (!killed) equal(applied(journal, ['refer']), ['refer'], 'what a session put it can commit');
  },
};

const deleteAndCommit: Omit<Program, 'kills' | 'name'> = {
  setUp: async (tab) => {
    await setUpWithRoot(tab);
    const store = await tab.open();
    await write(tab, store, 'shown', referTo('base.1', await putBytes(tab, 'only here', 'session')));
  },
  tabs: {
    deleter: async (tab) => tab.delete('session'),
    writer: async (tab) => {
      try {
        const store = await tab.open();
        await write(tab, store, 'late', appends('shown.0', ['late']));
        await write(tab, store, 'later', appends('late.0', ['later']));
      } catch (error) {
        if (!isLashError(error, 'SessionDeleted')) throw error;
      }
    },
  },
  check: async ({ tab, killed }) => {
    if (killed) return;
    const { items } = await tab.factory.list({});
    equal(
      items.map(({ sessionId }) => sessionId),
      ['other'],
      'a deleted session is not listed',
    );
    equal((await tab.attachments.list()).items.length, 1, 'what only it referred to is gone');
  },
};

const deleteTwice: Omit<Program, 'kills' | 'name'> = {
  setUp: setUpTree,
  tabs: {
    one: async (tab) => tab.delete('session'),
    two: async (tab) => void (await tab.factory.finishDeletions()),
  },
};

const importing: Omit<Program, 'kills' | 'name'> = {
  setUp: setUpTree,
  tabs: {
    importer: async (tab) => {
      const hidden = await tab.factory.beginImport('imported', createMode());
      const rest = { epoch: 0, usage: [] };
      const first = { ...rest, operationId: 'i1', expectedRevision: 0, change: appends(null, ['a']) };
      await hidden.store.commit(first);
      const second = { ...rest, operationId: 'i2', expectedRevision: 1, change: appends('i1.0', ['b']) };
      await hidden.store.commit(second);
      await hidden.publish('i2.0');
      tab.note('published', true);
    },
    finisher: async (tab) => {
      await tab.factory.finishDeletions();
      await tab.factory.finishDeletions();
    },
  },
  check: async ({ tab, journal: { notes }, killed }) => {
    ok(killed || notes.get('published') === true, 'an import that is alive is left alone');
    const { items } = await tab.factory.list({});
    const shows = items.some(({ sessionId }) => sessionId === 'imported');
    ok(shows || notes.get('published') !== true, 'a published session shows');
    if (!shows) return;
    const { nodes } = await (await tab.open('imported')).load({ kind: 'path' });
    equal(
      nodes.map(({ id }) => id),
      ['i1.0', 'i2.0'],
      'an import shows whole or not at all',
    );
  },
};

/** A checkpoint names a component by its id while a sweep looks for components that nothing names. */
const componentById: Omit<Program, 'kills' | 'name'> = {
  setUp: async (tab) => {
    const store = await tab.factory.open('session', createMode());
    await write(tab, store, 'base', appends(null, ['a']), { state: { version: 1, body: 'old' } });
    await write(tab, store, 'next', { kind: 'unchanged' }, { state: { version: 1, body: 'new' } });
  },
  tabs: {
    writer: async (tab) => {
      const { components } = await readRows('schedules');
      const old = components.find(({ body }) => body === '"old"');
      await write(
        tab,
        await tab.open(),
        'refer',
        { kind: 'unchanged' },
        { state: { id: old?.id ?? 'f'.repeat(64) } },
      );
    },
    sweeper: async (tab) => void (await (await tab.open()).gcUnreachable(SOON)),
  },
  check: async ({ tab, journal }) => {
    const { checkpoint } = await (await tab.open()).load({ kind: 'path', checkpoint: true });
    const body = checkpoint?.components['state']?.body;
    if (journal.acknowledged.has('refer')) equal(body, 'old', 'the checkpoint that was acknowledged');
    for (const code of journal.refused.values()) equal(code, 'ComponentNotFound');
  },
};

const PROGRAMS: readonly (readonly [string, Omit<Program, 'kills' | 'name'>])[] = [
  ['[ST3] [ST7] two writers on one revision, and a reader', twoOnOneRevision],
  ['[ST3] [ST4] a writer, and another one that takes the lease', writerAndTaker],
  ['[ST8] [ST9] a branch to an orphan, and its tombstoning and vacuum', upkeep],
  ['[ST3] [ST8] [ST9] a writer, one that takes the lease, and a keeper', threeTabs],
  ['[ST8] a pin of an orphan, its tombstoning, and a reader', pinned],
  ['[ST11] a put and a commit, and a sweep', putAndSweep],
  ['[ST11] a put by nobody and a commit, and a sweep', putByNobody],
  ['[ST11] the last reference is vacuumed and swept while another one comes', lastReference],
  ['[ST12] a deletion, and commits', deleteAndCommit],
  ['[ST12] a deletion, and another tab that finishes deletions', deleteTwice],
  ['[ST13] an import, and another tab that removes abandoned ones', importing],
  ['[ST10] a checkpoint that names a component by its id, and a sweep', componentById],
];

describe('two or three tabs, in every order', () => {
  const before = { indexedDB: globalThis.indexedDB, IDBKeyRange: globalThis.IDBKeyRange };
  beforeAll(() => {
    globalThis.IDBKeyRange = IDBKeyRange;
    // What a sweep finds to be young must not depend on how fast the test is.
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  afterAll(() => {
    vi.useRealTimers();
    Object.assign(globalThis, before);
  });

  for (const [name, program] of PROGRAMS) {
    for (const kills of [false, true]) {
      const title = kills ? `${name}, where a tab may die at any transaction` : name;
      test(title, { timeout: 600_000 }, async () => {
        const run = (choose: Choose): Promise<void> => runSchedule({ ...program, name, kills }, choose);
        const soaks = SAMPLE >= LIMIT;
        const inOrder = soaks ? LIMIT : kills || program === threeTabs ? 0 : 600;
        const first = inOrder === 0 ? NONE : await explore(inOrder, run);
        const more = first.complete ? NONE : await sample(SAMPLE, SEED, run);
        const explored = { ...first, schedules: first.schedules + more.schedules };
        console.log(`${explored.schedules} schedules${explored.complete ? '' : ' of more'}: ${title}`);
        expect(explored.schedules).toBeGreaterThan(5);
      });
    }
  }
});
