import type { CheckpointChange } from '../../src/contract/checkpoint.ts';
import type { CommitRequest } from '../../src/contract/store.ts';
import { equal, ok } from '../../src/testing/assert.ts';
import { used } from '../../src/testing/author.ts';
import { type OpenSeat, type Play, type ModelRun, settle, verdictOf } from './model-run.ts';
import { componentText } from './model-session.ts';

/** A kind of step on one session. */
export type Step = (run: ModelRun, play: Play, seat: OpenSeat) => Promise<void>;

const UNKNOWN = 'f'.repeat(64);

/** Appends below the leaf, as a conversation does. A writer that is not up to date mostly loads first. */
const say: Step = async (run, play, seat) => {
  const { session } = play;
  const current = seat.epoch === session.epoch && seat.revision === session.revision;
  if (!current && run.random.percent(90)) await run.refresh(play, seat);
  const nodes = run.drafts(1 + run.random.below(4));
  const change = { kind: 'append', parentId: session.leaf, nodes } as const;
  await run.commit(play, seat, run.request(seat, change));
  const page = await seat.store.load({ kind: 'path', limit: 6 });
  const path = session.path(session.leaf);
  equal(
    page.nodes.map(({ id }) => id),
    path.slice(-6).map(({ id }) => id),
    'the end of the path',
  );
  equal(page.start, Math.max(0, path.length - 6), 'where the page starts');
};

/** Appends anywhere, and may require that a node is on the path. */
const appendBelow: Step = async (run, play, seat) => {
  await run.refresh(play, seat);
  const parentId = run.random.percent(5) ? null : run.nodeOf(play);
  const change = { kind: 'append', parentId, nodes: run.drafts(1 + run.random.below(3)) } as const;
  const requires = run.random.percent(30) ? run.nodeOf(play) : undefined;
  await run.commit(play, seat, run.request(seat, requires === undefined ? change : { ...change, requires }));
};

const branch: Step = async (run, play, seat) => {
  await run.refresh(play, seat);
  const leaf = run.random.percent(4) ? null : run.nodeOf(play);
  await run.commit(play, seat, run.request(seat, { kind: 'branch', leaf }));
};

const unchanged: Step = async (run, play, seat) => {
  await run.refresh(play, seat);
  await run.commit(play, seat, run.request(seat, { kind: 'unchanged' }, { usage: [used(3, 'job')] }));
};

/** An operation is done again, as it was or with other content. */
const again: Step = async (run, play, seat) => {
  const done = run.random.pick([...play.session.operations.values()]);
  if (done === undefined) return run.skip();
  const { request } = done;
  await run.commit(play, seat, run.random.percent(60) ? request : { ...request, usage: [used(5000)] });
};

/** An id that vacuum freed names another operation. */
const reuse: Step = async (run, play, seat) => {
  const operationId = play.freed.pop();
  if (operationId === undefined) return run.skip();
  await run.refresh(play, seat);
  const change = { kind: 'append', parentId: play.session.leaf, nodes: run.drafts(1) } as const;
  await run.commit(play, seat, run.request(seat, change, { operationId }));
};

/** A writer that stands on an old revision, and one that is of another epoch. */
const stale: Step = async (run, play, seat) => {
  await run.refresh(play, seat);
  const change = { kind: 'append', parentId: play.session.leaf, nodes: run.drafts(1) } as const;
  const epoch = seat.epoch === 0 ? 1 : seat.epoch - 1;
  await run.commit(play, seat, run.request(seat, change, { epoch }));
  const expectedRevision = Math.max(0, seat.revision - 1 - run.random.below(3));
  await run.commit(play, seat, run.request(seat, change, { expectedRevision }));
};

/** Fences the other tab's writer. */
const lease: Step = async (_run, play, seat) => {
  const epoch = await seat.store.takeLease();
  play.session.epoch++;
  equal(epoch, play.session.epoch, 'the epoch');
  seat.epoch = epoch;
};

/** Both tabs commit at once, on one revision and epoch: one of them wins, and only one. */
const race: Step = async (run, play) => {
  const [first, second] = play.seats;
  if (first.store === undefined || second.store === undefined) return run.skip();
  const seats = [first, second] as OpenSeat[];
  for (const seat of seats) await run.refresh(play, seat);
  const requests = seats.map((seat) => {
    const change = { kind: 'append', parentId: play.session.leaf, nodes: run.drafts(1) } as const;
    return run.request(seat, change);
  });
  await bothAt(run, play, seats, requests, 'HeadRevisionConflict');
};

/** Both tabs do the same operation at once: it is done once. */
const twin: Step = async (run, play) => {
  const [first, second] = play.seats;
  if (first.store === undefined || second.store === undefined) return run.skip();
  const seats = [first, second] as OpenSeat[];
  for (const seat of seats) await run.refresh(play, seat);
  const change = { kind: 'append', parentId: play.session.leaf, nodes: run.drafts(2) } as const;
  const request = run.request(first, change);
  await bothAt(run, play, seats, [request, request], 'replay');
};

async function bothAt(
  run: ModelRun,
  { session }: Play,
  seats: readonly OpenSeat[],
  requests: readonly CommitRequest[],
  loser: string,
): Promise<void> {
  run.note(`two commits at once in ${session.sessionId}`);
  const outcomes = await Promise.all(
    seats.map((seat, at) =>
      settle(seat.store.commit(requests[at] ?? run.request(seat, { kind: 'unchanged' }))),
    ),
  );
  const verdicts = outcomes.map(verdictOf);
  equal(verdicts.toSorted(), ['applied', loser].toSorted(), 'what two commits came to');
  const winner = requests[verdicts.indexOf('applied')];
  ok(winner !== undefined, 'one of two commits wins');
  run.model.apply(session, winner, undefined);
  for (const outcome of outcomes) if ('value' in outcome) run.checkReceipt(session, outcome.value);
  run.tally.add(`two writers: ${loser}`);
}

/** Writes a checkpoint: with bodies, with ids of components that are there, and with ids that are not. */
const checkpoint: Step = async (run, play, seat) => {
  const { session } = play;
  await run.refresh(play, seat);
  const change: Record<string, CheckpointChange[string]> = {};
  const components: Record<string, string> = {};
  let unknown = false;
  for (const name of ['memory', 'plan', 'plugin'].slice(0, run.random.below(4))) {
    const body = { version: run.random.below(2), body: { value: run.random.below(6) } };
    const text = componentText(body);
    const id = run.componentIds.get(text);
    components[name] = text;
    const isKnown = session.components.has(text) || run.random.percent(5);
    if (id === undefined || !isKnown || run.random.percent(50)) change[name] = body;
    else change[name] = { id };
  }
  if (run.random.percent(8)) change['lost'] = { id: UNKNOWN };
  const bodies = new Set(
    Object.values(change).flatMap((component) => ('body' in component ? [componentText(component)] : [])),
  );
  for (const [name, component] of Object.entries(change)) {
    if ('body' in component) continue;
    const text = components[name] ?? '';
    unknown ||= !session.components.has(text) && !bodies.has(text);
  }
  const onto = run.random.percent(50)
    ? ({ kind: 'append', parentId: session.leaf, nodes: run.drafts(1) } as const)
    : ({ kind: 'unchanged' } as const);
  const request = run.request(seat, onto, { checkpoint: change });
  const verdict = await run.commit(play, seat, request, unknown ? 'unknown' : components);
  run.tally.add(`checkpoint: ${verdict}`);
  const got = await seat.store.load({ kind: 'path', limit: 1, checkpoint: true });
  run.checkCheckpoint(session, session.leaf, got.checkpoint);
};

/** Commits a node that refers to bytes that are stored. */
const attach: Step = async (run, play, seat) => {
  const { session } = play;
  const { attachments } = run.model;
  const stored = [...run.refs.values()].filter(({ id }) => attachments.has(id));
  const first = run.random.pick(stored);
  if (first === undefined) return run.skip();
  const second = run.random.percent(30) ? run.random.pick(stored) : undefined;
  await run.refresh(play, seat);
  const files = second === undefined ? [first] : [first, second];
  const change = { kind: 'append', parentId: session.leaf, nodes: run.drafts(2, files) } as const;
  await run.commit(play, seat, run.request(seat, change));
};

/** Commits a node that refers to bytes that are not there any more, or never were. */
const attachMissing: Step = async (run, play, seat) => {
  const { session, attachments } = { session: play.session, attachments: run.model.attachments };
  await run.refresh(play, seat);
  const lost = [...run.refs.values()].find(({ id }) => !attachments.has(id));
  const ref = lost ?? { id: UNKNOWN, mime: 'text/plain', byteLength: 1 };
  const change = { kind: 'append', parentId: session.leaf, nodes: run.drafts(1, [ref]) } as const;
  const verdict = await run.commit(play, seat, run.request(seat, change));
  equal(verdict, 'AttachmentNotFound', 'a commit that refers to nothing');
};

/** Many small commits on a branch that is left at once: what vacuum needs several transactions for. */
export const burst: Step = async (run, play, seat) => {
  const { session } = play;
  const { leaf } = session;
  await run.refresh(play, seat);
  for (let count = 0; count < 60; count++) {
    const nodes = run.drafts(1);
    const change = { kind: 'append', parentId: session.leaf, nodes } as const;
    await run.commit(play, seat, run.request(seat, change));
  }
  await run.commit(play, seat, run.request(seat, { kind: 'branch', leaf }));
};

/** Steps that commit, or decide who may. */
export const WRITES: Readonly<Record<string, Step>> = {
  say,
  appendBelow,
  branch,
  unchanged,
  again,
  reuse,
  stale,
  lease,
  race,
  twin,
  checkpoint,
  attach,
  attachMissing,
};
