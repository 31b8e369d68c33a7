import type { SessionStore } from '../../src/contract/store.ts';
import { isLashError } from '../../src/core/error.ts';
import type { SessionQuery } from '../../src/core/policy.ts';
import { equal, ok } from '../../src/testing/assert.ts';
import { orphansOf } from '../../src/testing/store-context.ts';
import { checkNodes, headOf, type ModelRun, type Play, settle } from './model-run.ts';
import type { ModelSession } from './model-session.ts';
import { checkTurns } from './model-turn-steps.ts';
import type { Step } from './model-writes.ts';

/** A page of a path, with the checkpoint that holds at its leaf. */
const page: Step = async (run, play, seat) => {
  const { session } = play;
  const leaf = run.random.percent(40) ? undefined : run.nodeOf(play);
  const before = run.random.percent(50) ? { before: run.random.below(60) } : {};
  const bounds = { ...before, limit: 1 + run.random.below(20) };
  const scope = { kind: 'path', ...bounds, ...(leaf === undefined ? {} : { leaf }) } as const;
  const outcome = await settle(seat.store.load({ ...scope, checkpoint: true }));
  if (leaf !== undefined && !session.isLive(leaf)) return expectNotFound(run, outcome, 'page');
  if ('error' in outcome) throw outcome.error;
  const end = leaf ?? session.leaf;
  const path = session.path(end).slice(0, bounds.before);
  checkNodes(outcome.value.nodes, path.slice(-bounds.limit), 'a page');
  equal(outcome.value.start, Math.max(0, path.length - bounds.limit), 'where a page starts');
  run.checkCheckpoint(session, end, outcome.value.checkpoint);
};

const node: Step = async (run, play, seat) => {
  const nodeId = run.nodeOf(play);
  const outcome = await settle(seat.store.loadNode(nodeId));
  const expected = play.session.nodes.get(nodeId);
  if (expected === undefined || expected.dead) return expectNotFound(run, outcome, 'node');
  if ('error' in outcome) throw outcome.error;
  checkNodes([outcome.value], [expected], 'a node');
};

const locate: Step = async (run, play, seat) => {
  const nodeId = run.nodeOf(play);
  const outcome = await settle(seat.store.locate(nodeId));
  const expected = play.session.nodes.get(nodeId);
  if (expected === undefined || expected.dead) return expectNotFound(run, outcome, 'locate');
  if ('error' in outcome) throw outcome.error;
  equal(outcome.value, { depth: expected.depth, active: play.session.isActive(nodeId) }, 'a place');
};

const siblings: Step = async (run, play, seat) => {
  const { session } = play;
  const ids = [run.liveNodeOf(play), run.liveNodeOf(play), run.liveNodeOf(play)].filter(
    (id) => id !== undefined,
  );
  const points = await seat.store.siblings(ids);
  const expected = ids.flatMap((nodeId) => {
    const all = session.children(session.nodes.get(nodeId)?.parentId ?? null);
    return all.length > 1 ? [{ nodeId, siblings: all }] : [];
  });
  equal(points, expected, 'siblings');
  if (expected.length > 0) run.tally.add('siblings: some');
};

const orphans: Step = async (run, { session }, seat) => {
  const writtenBefore = run.random.percent(40) ? run.now - run.random.below(300_000) : undefined;
  const limit = 1 + run.random.below(50);
  const ids = await orphansOf(seat.store, writtenBefore === undefined ? { limit } : { limit, writtenBefore });
  checkOrphans(session, ids, writtenBefore);
};

function checkOrphans(session: ModelSession, ids: readonly string[], writtenBefore = Infinity): void {
  const expected = session.orphans().filter(({ createdAt }) => createdAt < writtenBefore);
  equal(ids.toSorted(), expected.map(({ id }) => id).toSorted(), 'orphans');
  const seen = new Set<string>();
  for (const id of ids) {
    const parentId = session.nodes.get(id)?.parentId ?? '';
    ok(!seen.has(parentId), `the orphan ${parentId} was listed before its child ${id}`);
    seen.add(id);
  }
}

const walk: Step = async (run, { session }, seat) => {
  await checkWalk(session, seat.store, 1 + run.random.below(100));
};

async function checkWalk(session: ModelSession, store: SessionStore, limit: number): Promise<void> {
  const ids: string[] = [];
  for (let after: string | null | undefined; after !== null;) {
    const walked = await store.walk(after === undefined ? { limit } : { limit, after });
    equal(walked.head, headOf(session), 'the head of a walk');
    ids.push(...walked.nodes.map(({ id }) => id));
    after = walked.next;
  }
  equal(ids, session.walk(), 'a walk');
}

const inventory: Step = async (run, play, seat) => checkInventory(run, play.session, seat.store);

async function checkInventory(run: ModelRun, session: ModelSession, store: SessionStore): Promise<void> {
  const { pins, ...rest } = await store.inventory();
  const all = [...session.nodes.values()];
  const attachments = session.attachments();
  const sizes = attachments.map((id) => run.model.attachments.get(id)?.byteLength ?? Number.NaN);
  equal(pins.toSorted(), [...session.pins].toSorted(), 'pins');
  equal(
    rest,
    {
      sessionId: session.sessionId,
      nodes: session.live().length,
      orphans: session.orphans().length,
      tombstoned: all.filter(({ dead }) => dead).length,
      bytes: session.bytes(),
      attachments: attachments.length,
      attachmentBytes: sizes.reduce((sum, size) => sum + size, 0),
    },
    'an inventory',
  );
}

const soundPath: Step = async (_run, { session }, seat) => {
  equal(await seat.store.findSoundPath(), { leaf: session.leaf, damage: null }, 'how far the path is sound');
};

const list: Step = async (run, _play, { tab }) => {
  const parents = [...run.model.sessions.values()].map(({ parent }) => parent?.sessionId);
  for (const parent of new Set(parents)) await checkList(run, tab.factory, { parent: parent ?? null });
  await checkList(run, tab.factory, {});
};

async function checkList(
  run: ModelRun,
  factory: Play['seats'][0]['tab']['factory'],
  asked: SessionQuery,
): Promise<void> {
  const got: unknown[] = [];
  for (let after: string | null | undefined; after !== null;) {
    const page = { ...asked, limit: 2 };
    const listed = await factory.list(after === undefined ? page : { ...page, after });
    got.push(...listed.items);
    after = listed.next;
  }
  const isAskedFor = ({ parent }: ModelSession): boolean =>
    asked.parent === undefined ||
    (asked.parent === null ? parent?.relation !== 'child' : parent?.sessionId === asked.parent);
  const expected = [...run.model.sessions.values()]
    .filter(isAskedFor)
    .toSorted((a, b) => b.updatedAt - a.updatedAt || (a.sessionId < b.sessionId ? 1 : -1))
    .map((session) => {
      const { sessionId, title, createdAt, updatedAt, parent } = session;
      const nodeCount = session.live().length;
      return { sessionId, title, createdAt, updatedAt, nodeCount, bytes: session.bytes(), parent };
    });
  equal(got, expected, `the sessions of ${String(asked.parent)}`);
}

/** The whole database: all that was acknowledged is there or was given up, and nothing else is. */
export async function checkAll(run: ModelRun): Promise<void> {
  const [{ factory, attachments }] = run.world.tabs;
  for (const { session, seats } of run.plays) {
    const { sessionId } = session;
    const open = seats.find(({ store }) => store !== undefined)?.store;
    const store = open ?? (await factory.open(sessionId, { kind: 'open' }));
    const all = await store.load({ kind: 'all' });
    equal([all.head, all.epoch, all.ledger], [headOf(session), session.epoch, session.ledger], 'the head');
    const byId = new Map(all.nodes.map((one) => [one.id, one]));
    const live = session.live();
    equal([...byId.keys()].toSorted(), live.map(({ id }) => id).toSorted(), 'all nodes');
    checkNodes(
      live.flatMap(({ id }) => byId.get(id) ?? []),
      live,
      'all nodes',
    );
    const path = await store.load({ kind: 'path', checkpoint: true });
    checkNodes(path.nodes, session.path(session.leaf), 'the path');
    run.checkCheckpoint(session, session.leaf, path.checkpoint);
    checkOrphans(session, await orphansOf(store, { limit: 1000 }));
    await checkInventory(run, session, store);
    await checkWalk(session, store, 1000);
    await checkTurns(session, store);
    const { title, createdAt, updatedAt } = await store.loadSessionMeta();
    equal([title, createdAt, updatedAt], [session.title, session.createdAt, session.updatedAt], 'meta');
  }
  await checkList(run, factory, {});
  await checkList(run, factory, { parent: null });
  const references = run.model.references();
  const stored = [...run.model.attachments.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const { items } = await attachments.list({ limit: 1000 });
  equal(
    items.map(({ ref, putAt, adopted }) => [ref.id, ref.byteLength, putAt, adopted]),
    stored.map(({ id, byteLength, putAt }) => [id, byteLength, putAt, references.has(id)]),
    'attachments',
  );
  for (const { id, byteLength } of stored) {
    const blob = await attachments.get(id);
    equal(blob.size, byteLength, 'the bytes of an attachment');
  }
  const sum = stored.reduce((total, { byteLength }) => total + byteLength, 0);
  equal(await attachments.totalBytes(), sum, 'the bytes of all attachments');
  equal((await run.world.faults?.()) ?? [], [], 'what is wrong with the rows');
}

function expectNotFound(run: ModelRun, outcome: object, what: string): void {
  const error = 'error' in outcome ? outcome.error : undefined;
  ok(isLashError(error, 'NodeNotFound'), `${what}: a node that is not live was found, or ${String(error)}`);
  run.tally.add(`${what}: NodeNotFound`);
}

/** Steps that read, and compare. */
export const READS: Readonly<Record<string, Step>> = {
  page,
  node,
  locate,
  siblings,
  orphans,
  walk,
  inventory,
  soundPath,
  list,
};
