import type { GcReport } from '../../src/core/maintenance.ts';
import { equal, ok } from '../../src/testing/assert.ts';
import { orphansOf } from '../../src/testing/store-context.ts';
import { type ModelRun, type OpenSeat, type Play, settle, verdictOf } from './model-run.ts';
import { burst, type Step } from './model-writes.ts';

const WORST_FIRST = ['Failed', 'Refused', 'Incomplete', 'Swept', 'NothingToDo'];

const pin: Step = async (run, play, seat) => {
  const nodeId = run.random.percent(15) ? 'nobody.0' : run.nodeOf(play);
  const outcome = await settle(seat.store.pin(nodeId));
  const lives = play.session.isLive(nodeId);
  equal('value' in outcome, lives, 'whether a node can be pinned');
  if (lives) play.session.pins.add(nodeId);
  run.tally.add(lives ? 'pin: pinned' : 'pin: NodeNotFound');
};

const unpin: Step = async (run, play, seat) => {
  const nodeId = run.random.pick([...play.session.pins]);
  if (nodeId === undefined) return run.skip();
  await seat.store.unpin(nodeId);
  play.session.pins.delete(nodeId);
};

/** Tombstones all orphans, or some pages of them. */
const tombstoneOrphans: Step = async (run, play, seat) => {
  const { session } = play;
  const limit = 1 + run.random.below(run.random.percent(50) ? 12 : 200);
  const ids: string[] = [];
  let after: string | null | undefined;
  for (let pages = 1 + run.random.below(3); pages > 0 && after !== null; pages--) {
    const page = await seat.store.orphanedNodeIds(after === undefined ? { limit } : { limit, after });
    ids.push(...page.items);
    after = page.next;
  }
  await tombstone(run, play, seat, ids);
  ok(
    ids.every((id) => !session.isLive(id)),
    'pages of orphans can be tombstoned as they come',
  );
};

/** Tombstones what it likes. */
const tombstoneAny: Step = async (run, play, seat) => {
  const ids = Array.from({ length: run.random.below(6) }, () => run.nodeOf(play));
  const node = play.session.nodes.get(ids[0] ?? '');
  if (run.random.percent(50))
    ids.push(
      ...play.session
        .path(node?.id ?? null)
        .slice(-4)
        .map(({ id }) => id),
    );
  if (run.random.percent(40))
    ids.push(
      ...play.session
        .orphans()
        .slice(-3)
        .map(({ id }) => id),
    );
  await tombstone(run, play, seat, ids);
};

async function tombstone(
  run: ModelRun,
  { session }: Play,
  seat: OpenSeat,
  ids: readonly string[],
): Promise<void> {
  run.note(`tombstone ${ids.length} in ${session.sessionId}: ${ids.slice(0, 8).join(' ')}`);
  const expected = session.tombstone(ids);
  const report = await seat.store.tombstoneNodes(ids);
  const { tombstoned, refused } = expected;
  equal(report.tombstoned.toSorted(), tombstoned.toSorted(), 'what was tombstoned');
  const text = ({ nodeId, reason }: { nodeId: string; reason: string }): string => `${nodeId} ${reason}`;
  equal(report.refused.map(text).toSorted(), refused.map(text).toSorted(), 'what was refused');
  const all = refused.length === 0 ? 'Swept' : 'Incomplete';
  const none = refused.length === 0 ? 'NothingToDo' : 'Refused';
  equal(report.status, tombstoned.length === 0 ? none : all, 'how tombstoning ended');
  run.tally.add(`tombstone: ${report.status}`);
  for (const reason of new Set(refused.map((one) => one.reason)))
    run.tally.add(`tombstone refused: ${reason}`);
}

const vacuum: Step = async (run, play, seat) => {
  const { session } = play;
  const { operations, nodes, kept } = session.waste();
  run.note(`vacuum ${session.sessionId}: ${operations.length} operations, ${kept} kept`);
  const bytes = session.bytes();
  const report = await seat.store.vacuum();
  const stripped = forgetCheckpoints(play);
  forget(play, operations);
  equal([report.removedNodes, report.keptNodes], [nodes, kept], 'what a vacuum did');
  equal(report.removedBytes, bytes - session.bytes(), 'the bytes that a vacuum freed');
  if (operations.length > 0 || !stripped) {
    equal(report.status, operations.length > 0 ? 'Swept' : 'NothingToDo', 'how a vacuum ended');
  }
  run.tally.add(`vacuum: ${report.status}`);
  if (kept > 0) run.tally.add('vacuum: kept nodes');
};

/** A vacuum that is stopped before its first transaction, or after it. What is left is as sound as before. */
const vacuumStopped: Step = async (run, play, seat) => {
  const { session } = play;
  const waste = session.waste();
  let transactions = run.random.percent(85) ? 1 : 0;
  const signal = {
    get aborted() {
      return transactions-- <= 0;
    },
  } as AbortSignal;
  const report = await seat.store.vacuum({ signal });
  run.note(`vacuum ${session.sessionId} stopped: ${report.status}, ${report.removedNodes} nodes`);
  const before = { count: session.operations.size, bytes: session.bytes() };
  const remains = await run.world.remains?.(session.sessionId);
  if (remains === undefined) {
    forget(play, report.removedNodes > 0 ? waste.operations : []);
    if (report.status !== 'Incomplete') forgetCheckpoints(play);
  } else {
    for (const nodeId of session.checkpoints.keys()) {
      if (remains.checkpoints.has(nodeId)) continue;
      ok(session.nodes.get(nodeId)?.dead === true, `the checkpoint of the live ${nodeId} was removed`);
      session.checkpoints.delete(nodeId);
    }
    forget(
      play,
      waste.operations.filter((id) => !remains.operations.has(id)),
    );
    // References of dead nodes go before their operation does.
    for (const id of waste.operations) session.keepReferences(id, remains.references);
    equal([...remains.operations].toSorted(), [...session.operations.keys()].toSorted(), 'what is left');
  }
  equal(report.removedBytes, before.bytes - session.bytes(), 'the bytes that a vacuum freed');
  const left = session.waste().operations.length;
  if (report.status !== 'Incomplete') equal(left, 0, 'what a whole vacuum left');
  if (report.status === 'Incomplete') run.tally.add('vacuum: Incomplete');
  if (left > 0 && session.operations.size < before.count) run.tally.add('vacuum: stopped half-way');
};

/** Gives up a long branch at once, and mostly begins to remove it. */
const giveUp: Step = async (run, play, seat) => {
  await burst(run, play, seat);
  await tombstone(run, play, seat, await orphansOf(seat.store, { limit: 1000 }));
  if (run.random.percent(80)) await vacuumStopped(run, play, seat);
};

function forget({ session, freed }: Play, operations: readonly string[]): void {
  session.remove(operations);
  freed.push(...operations.slice(0, 3));
}

/** Checkpoints of dead nodes go with a vacuum, also where the nodes stay. */
function forgetCheckpoints({ session }: Play): boolean {
  const dead = [...session.checkpoints.keys()].filter((id) => session.nodes.get(id)?.dead === true);
  for (const nodeId of dead) session.checkpoints.delete(nodeId);
  return dead.length > 0;
}

const sweep: Step = async (run, play, seat) => {
  const young = run.random.percent(15);
  const report = await seat.store.gcUnreachable({ keepYoungerThanMs: young ? 1e15 : 0 });
  checkSweep(run, play, report, young);
};

function checkSweep(run: ModelRun, { session }: Play, report: GcReport, young: boolean): void {
  run.note(`sweep by ${session.sessionId}`);
  const components = run.model.sweepComponents(session);
  const attachments = run.model.sweepAttachments(young);
  for (const [what, expected] of Object.entries({ components, attachments })) {
    const { status, roots, kept, removed } = report[what as 'components' | 'attachments'];
    equal({ status, roots, kept, removed }, expected, `a sweep of ${what}`);
    run.tally.add(`sweep of ${what}: ${status}`);
  }
  const worst = WORST_FIRST.find((one) => one === components.status || one === attachments.status);
  equal(report.status, worst, 'the worse of two sweeps');
}

/** Puts bytes for the session, or for nobody. */
const put: Step = async (run, play) => {
  const owner = run.random.percent(70) ? play.session.sessionId : undefined;
  const number = run.random.percent(3) ? 9 : run.random.below(9);
  run.note(`put ${number} for ${owner ?? 'nobody'}`);
  await run.put(number, owner);
};

/** Puts bytes and sweeps before anything refers to anything: a sweep that sees no root refuses. */
const blindSweep: Step = async (run, play, seat) => {
  const rooted = [...run.model.attachments.values()].some((one) =>
    run.model.isRoot(one, run.model.references()),
  );
  if (rooted) return run.skip();
  await run.put(3, undefined);
  checkSweep(run, play, await seat.store.gcUnreachable({ keepYoungerThanMs: 0 }), false);
};

/** A session whose only checkpoint went with its node: its components are not swept blindly. */
const loneComponents: Step = async (run) => {
  if (run.plays.length >= 6) return run.skip();
  const play = await run.create();
  const seat = play.seats[0] as OpenSeat;
  const change = { kind: 'append', parentId: null, nodes: run.drafts(1) } as const;
  const body = { version: 7, body: { lone: play.session.sessionId } };
  const components = { lone: JSON.stringify([body.version, body.body]) };
  const request = run.request(seat, change, { checkpoint: { lone: body } });
  await run.commit(play, seat, request, components);
  await run.commit(play, seat, run.request(seat, { kind: 'branch', leaf: null }));
  await tombstone(run, play, seat, await orphansOf(seat.store));
  await vacuum(run, play, seat);
  checkSweep(run, play, await seat.store.gcUnreachable({ keepYoungerThanMs: 0 }), false);
};

/** One tab tombstones and vacuums a branch while the other one moves the leaf to it: either, and never both. */
const upkeepRace: Step = async (run, play) => {
  const { session } = play;
  const [first, second] = play.seats;
  if (first.store === undefined || second.store === undefined) return run.skip();
  const tip = session.orphans().findLast(({ id }) => session.children(id).length === 0);
  if (tip === undefined) return run.skip();
  await run.refresh(play, first as OpenSeat);
  const request = run.request(first, { kind: 'branch', leaf: tip.id });
  run.note(`branch to ${tip.id} of ${session.sessionId} while it is tombstoned`);
  const [branched, report] = await Promise.all([
    settle(first.store.commit(request)),
    second.store.tombstoneNodes([tip.id]),
  ]);
  const verdict = verdictOf(branched);
  if (verdict === 'applied') {
    equal(report.refused, [{ nodeId: tip.id, reason: 'reachable' }], 'tombstoning the leaf');
    run.model.apply(session, request, undefined);
  } else {
    equal([verdict, report.tombstoned], ['NodeNotFound', [tip.id]], 'branching to a tombstoned node');
    session.tombstone([tip.id]);
  }
};

/** Steps of maintenance, and what it is about. */
export const UPKEEP: Readonly<Record<string, Step>> = {
  giveUp,
  pin,
  unpin,
  tombstoneOrphans,
  tombstoneAny,
  vacuum,
  vacuumStopped,
  sweep,
  put,
  blindSweep,
  loneComponents,
  upkeepRace,
};
