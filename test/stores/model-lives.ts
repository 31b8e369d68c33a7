import type { SessionImport } from '../../src/contract/store.ts';
import { isLashError } from '../../src/core/error.ts';
import { equal, ok, rejects } from '../../src/testing/assert.ts';
import { createMode } from '../../src/testing/author.ts';
import { headOf, type ModelRun, type Play, type Seat, settle } from './model-run.ts';
import { ModelSession } from './model-session.ts';
import type { Step } from './model-writes.ts';

const create: Step = async (run) => {
  if (run.plays.length >= 5) return run.skip();
  const play = await run.create();
  run.note(`create ${play.session.sessionId}`);
};

/** Deletes a session for good: every handle says so, and the id is used up. */
const remove: Step = async (run, play, seat) => {
  if (run.plays.length < 3) return run.skip();
  const { session } = play;
  const { sessionId } = session;
  run.note(`delete ${sessionId}`);
  const { factory, attachments } = seat.tab;
  await factory.delete(sessionId);
  run.plays.splice(run.plays.indexOf(play), 1);
  for (const id of run.model.delete(session)) {
    if ((await attachments.find(id)) === null) run.model.attachments.delete(id);
  }
  for (const { store, tab } of play.seats) {
    if (store !== undefined) await rejects(store.load({ kind: 'head' }), 'SessionDeleted');
    await rejects(tab.factory.open(sessionId, { kind: 'open' }), 'SessionDeleted');
  }
  const change = { kind: 'append', parentId: null, nodes: run.drafts(1) } as const;
  await rejects(seat.store.commit(run.request(seat, change)), 'SessionDeleted');
  await rejects(factory.open(sessionId, createMode()), 'SessionDeleted');
  await factory.delete(sessionId);
};

/** Closes a handle and remembers where it was, as a runtime that is parked does. */
const park: Step = async (run, play, seat) => {
  const { session } = play;
  const { head } = await seat.store.load({ kind: 'head' });
  const { store } = seat;
  await store.close();
  await rejects(store.load({ kind: 'head' }), 'SessionClosed');
  const closed: Seat = seat;
  closed.parked = { revision: head.revision, leaf: head.leaf };
  closed.store = undefined;
  run.note(`park ${session.sessionId} at ${head.revision}`);
  if (run.random.percent(40)) await resume(run, play);
};

/** Opens it again: what it finds is at least what it left. */
export async function resume(run: ModelRun, { session, seats }: Play): Promise<void> {
  const seat = seats.find(({ parked }) => parked !== undefined);
  if (seat?.parked === undefined) return run.skip();
  const { revision, leaf } = seat.parked;
  seat.store = await seat.tab.factory.open(session.sessionId, { kind: 'open' });
  seat.parked = undefined;
  const { head } = await seat.store.load({ kind: 'head' });
  equal(head, headOf(session), 'the head of a resumed session');
  ok(head.revision >= revision, 'a session is older than it was');
  if (head.revision === revision) equal(head.leaf, leaf, 'the leaf of an unchanged session');
  run.tally.add(head.revision === revision ? 'resume: unchanged' : 'resume: gone on');
}

const meta: Step = async (run, { session }, seat) => {
  const title = run.newId('title ');
  const saved = await seat.store.saveSessionMeta({ title, at: run.now });
  session.title = title;
  session.updatedAt = run.now;
  equal([saved.title, saved.updatedAt, saved.createdAt], [title, run.now, session.createdAt], 'meta');
};

/** Ids that name no session, or one that is there. */
const badIds: Step = async (_run, { session }, { tab: { factory } }) => {
  await rejects(factory.open('nobody', { kind: 'open' }), 'SessionNotFound');
  await rejects(factory.delete('nobody'), 'SessionNotFound');
  await rejects(factory.open(session.sessionId, createMode()), 'SessionExists');
  await rejects(factory.beginImport(session.sessionId, createMode()), 'SessionExists');
};

/** A session is written while nobody sees it, and then shows, or is given up. */
const importOne: Step = async (run, _play, { tab }) => {
  if (run.plays.length >= 6) return run.skip();
  const sessionId = run.newId('i');
  const [first, second] = run.world.tabs;
  const other = tab === first ? second : first;
  const importing = await tab.factory.beginImport(sessionId, createMode(sessionId, run.now));
  const session = new ModelSession(sessionId, sessionId, run.now);
  run.model.sessions.set(sessionId, session);
  const seat = { tab, store: importing.store, epoch: 0, revision: 0, parked: undefined };
  const play = { session, seats: [seat, seat] as const, freed: [] };
  for (let commits = 1 + run.random.below(4); commits > 0; commits--) {
    const files = run.random.percent(40) ? [await run.put(run.random.below(9), sessionId)] : [];
    const parentId = run.random.pick([null, ...session.nodes.keys()]) ?? null;
    const change = { kind: 'append', parentId, nodes: run.drafts(2, files) } as const;
    await run.commit(play, seat, run.request(seat, change));
  }
  for (const { factory } of [tab, other]) {
    await rejects(factory.open(sessionId, { kind: 'open' }), 'SessionNotFound');
    await rejects(factory.open(sessionId, createMode()), 'SessionExists');
  }
  if (run.random.percent(30)) {
    equal(await tab.factory.finishDeletions(), [], 'what a worker finishes while its import is alive');
  }
  if (run.random.percent(50)) await abandon(run, importing, session);
  else await publish(run, importing, session);
};

async function publish(run: ModelRun, importing: SessionImport, session: ModelSession): Promise<void> {
  const [first, second] = run.world.tabs;
  const { sessionId } = session;
  const lost = await settle(importing.publish('nobody.0'));
  ok('error' in lost && isLashError(lost.error, 'NodeNotFound'), 'an import ends at a node that is there');
  const leaf = run.random.pick([...session.nodes.keys()]) ?? null;
  await importing.publish(leaf);
  session.leaf = leaf;
  session.revision++;
  const open = (at: typeof first): ReturnType<typeof at.factory.open> =>
    at.factory.open(sessionId, { kind: 'open' });
  run.join(session, await open(first), await open(second));
  run.note(`import ${sessionId}`);
  run.tally.add('import: published');
}

async function abandon(run: ModelRun, importing: SessionImport, session: ModelSession): Promise<void> {
  const [{ factory, attachments }] = run.world.tabs;
  await importing.abandon();
  for (const id of run.model.delete(session)) {
    if ((await attachments.find(id)) === null) run.model.attachments.delete(id);
  }
  await rejects(factory.open(session.sessionId, createMode()), 'SessionDeleted');
  run.note(`abandon ${session.sessionId}`);
  run.tally.add('import: abandoned');
}

/** Steps in the life of a session. */
export const LIVES: Readonly<Record<string, Step>> = {
  create,
  remove,
  park,
  resume,
  meta,
  badIds,
  importOne,
};
