import type { GraphChange, SessionStore } from '../../src/contract/store.ts';
import type { TurnChange } from '../../src/contract/turn-store.ts';
import { isLashError } from '../../src/core/error.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { equal } from '../../src/testing/assert.ts';
import { type ModelRun, type OpenSeat, type Play, settle } from './model-run.ts';
import type { ModelSession } from './model-session.ts';
import type { Step } from './model-writes.ts';

/** Compares what a call came to with what it must; `said` is what the model says where it is not refused. */
async function settleAs<T>(
  promise: Promise<T>,
  verdict: string,
  said: readonly string[],
): Promise<T | undefined> {
  const outcome = await settle(promise);
  if ('error' in outcome && !isLashError(outcome.error)) throw outcome.error;
  const came = 'error' in outcome && isLashError(outcome.error) ? outcome.error.code : 'resolved';
  equal(came, said.includes(verdict) ? 'resolved' : verdict, 'what a call on a turn came to');
  return 'value' in outcome ? outcome.value : undefined;
}

/** A turn's id: of what is queued mostly, of the one that has begun, of one that ended, or of none. */
function turnOf(run: ModelRun, { turns }: ModelSession): string {
  const { random } = run;
  const queued = random.pick(turns.queue);
  if (queued !== undefined && random.percent(65)) return queued;
  if (turns.running !== undefined && random.percent(40)) return turns.running;
  return (random.percent(80) ? random.pick([...turns.all.keys()]) : undefined) ?? 'nobody';
}

/** A turn's id: mostly of the one that has begun. */
function runningOf(run: ModelRun, session: ModelSession): string {
  const { running } = session.turns;
  return running !== undefined && run.random.percent(85) ? running : turnOf(run, session);
}

/** Content that a store does not look into. */
function content(run: ModelRun): JsonValue {
  const text = run.newId('content ').repeat(1 + run.random.below(20));
  return { z: text, a: [run.random.below(3), null, { text: 'ä\u0000😀' }] };
}

/** Commits, and says something of a turn with it. */
async function commitTurn(run: ModelRun, play: Play, seat: OpenSeat, turn: TurnChange): Promise<void> {
  const { session } = play;
  if (run.random.percent(90)) await run.refresh(play, seat);
  const append = {
    kind: 'append',
    parentId: session.leaf,
    nodes: run.drafts(1 + run.random.below(2)),
  } as const;
  const changes: readonly GraphChange[] = [append, append, append, { kind: 'unchanged' }];
  const change = run.random.pick(changes) ?? append;
  const verdict = await run.commit(play, seat, run.request(seat, change, { turn }));
  run.tally.add(`${turn.kind}: ${verdict}`);
}

const accept: Step = async (run, { session }, seat) => {
  const { turns } = session;
  const known = run.random.percent(35) ? turns.all.get(turnOf(run, session)) : undefined;
  const turnId = known?.turnId ?? run.newId('t');
  const hash = known === undefined || run.random.percent(40) ? run.newId('hash ') : known.hash;
  const input = { turnId, hash, request: content(run), at: run.now };
  const verdict = turns.accept(input);
  const got = await settleAs(seat.store.turns.accept(input), verdict, ['accepted', 'same']);
  if (got !== undefined) equal(got, turns.find(turnId), 'an accepted input');
  run.tally.add(`accept: ${verdict}`);
};

const begin: Step = async (run, play, seat) => {
  const { turns } = play.session;
  const [first] = turns.queue;
  const ended = [...turns.all.values()].find(({ status }) => status === 'ended');
  const other = run.random.percent(40) ? ended?.turnId : turnOf(run, play.session);
  const known = run.random.percent(60) ? first : other;
  const isFresh = run.random.percent(20) || known === undefined;
  const turnId = isFresh || known === 'nobody' ? run.newId('t') : known;
  const hash = (run.random.percent(85) ? turns.all.get(turnId)?.hash : undefined) ?? run.newId('hash ');
  const plan = content(run);
  await commitTurn(run, play, seat, { kind: 'begin', turnId, hash, plan, state: content(run), at: run.now });
};

const proceed: Step = async (run, play, seat) => {
  const { session } = play;
  const turnId = runningOf(run, session);
  const settles = new Set(session.turns.queue.filter(() => run.random.percent(15)));
  if (run.random.percent(30)) settles.add(turnOf(run, session));
  const said = { state: content(run), settles: [...settles], settledAs: content(run) };
  await commitTurn(run, play, seat, { kind: 'progress', turnId, ...said });
};

const end: Step = async (run, play, seat) => {
  await commitTurn(run, play, seat, {
    kind: 'end',
    turnId: runningOf(run, play.session),
    result: content(run),
  });
};

/** Mostly goes on from the end of the journal; else says again what stands, or something else in its place. */
const record: Step = async (run, play, seat) => {
  const { session } = play;
  const { random } = run;
  if (random.percent(90)) await run.refresh(play, seat);
  const turnId = runningOf(run, session);
  const journal = session.turns.all.get(turnId)?.journal ?? [];
  const isNext = random.percent(50);
  const first = isNext ? journal.length : random.below(journal.length + 2);
  const standing = isNext || random.percent(30) ? [] : journal.slice(first, first + 1 + random.below(3));
  const entries = [...standing, ...Array.from({ length: random.below(3) }, () => content(run))];
  const waits = random.percent(30) ? { waits: content(run) } : {};
  const epoch = random.percent(6) ? seat.epoch + 1 : seat.epoch;
  const given = { turnId, epoch, first, entries, ...waits };
  const verdict = session.turns.record(given, session.epoch);
  await settleAs(seat.store.turns.record(given), verdict, ['added', 'same']);
  equal(await seat.store.turns.load(turnId), session.turns.load(turnId), 'a journal');
  run.tally.add(`record: ${verdict}`);
};

const signal: Step = async (run, { session }, seat) => {
  const turnId = run.random.percent(50) ? runningOf(run, session) : turnOf(run, session);
  const given = { turnId, signalId: `signal ${run.random.below(2)}`, value: content(run) };
  const [verdict, standing] = session.turns.signal(given);
  const got = await settleAs(seat.store.turns.signal(given), verdict, ['given', 'stands']);
  equal(got, standing, 'the signal that stands');
  run.tally.add(`signal: ${verdict}`);
};

const move: Step = async (run, { session }, seat) => {
  const turnId = turnOf(run, session);
  const before = run.random.percent(30) ? null : turnOf(run, session);
  const verdict = session.turns.move(turnId, before);
  await settleAs(seat.store.turns.move(turnId, before), verdict, ['moved']);
  const pending = await seat.store.turns.pending();
  equal(pending, session.turns.pending(), 'the order of the queue');
  run.tally.add(`move: ${verdict}`);
};

const withdraw: Step = async (run, { session }, seat) => {
  const turnId = turnOf(run, session);
  const result = content(run);
  const verdict = session.turns.withdraw(turnId, result);
  const got = await settleAs(seat.store.turns.withdraw(turnId, result), verdict, ['withdrawn']);
  if (got !== undefined) equal(got, session.turns.find(turnId), 'a withdrawn input');
  run.tally.add(`withdraw: ${verdict}`);
};

/** Both tabs withdraw one input at once: one of them does. */
const withdrawRace: Step = async (run, play) => {
  const [first, second] = play.seats;
  const turnId = run.random.pick(play.session.turns.queue);
  if (first.store === undefined || second.store === undefined || turnId === undefined) return run.skip();
  const result = content(run);
  const calls = [first.store, second.store].map((store) => settle(store.turns.withdraw(turnId, result)));
  const outcomes = (await Promise.all(calls)).map((one) => ('value' in one ? 'done' : codeOf(one.error)));
  equal(outcomes.toSorted(), ['InputNotQueued', 'done'], 'what two who withdraw came to');
  play.session.turns.withdraw(turnId, result);
};

const turnReads: Step = async (run, { session }, seat) => {
  const turnId = turnOf(run, session);
  const { turns } = seat.store;
  equal(await turns.pending(), session.turns.pending(), 'what has not ended');
  equal(await turns.find(turnId), session.turns.find(turnId), 'a turn');
  equal(await turns.load(turnId), session.turns.load(turnId), 'a turn that has begun');
  equal(await turns.signals(turnId), session.turns.signals(turnId), 'signals');
};

/** All that a session keeps of its turns. */
export async function checkTurns({ turns: expected }: ModelSession, { turns }: SessionStore): Promise<void> {
  equal(await turns.pending(), expected.pending(), 'what has not ended');
  const ids = [...expected.all.keys()];
  const found = await Promise.all(ids.map((id) => Promise.all([turns.find(id), turns.signals(id)])));
  equal(
    found,
    ids.map((id) => [expected.find(id), expected.signals(id)]),
    'the turns of a session',
  );
  const { running = 'nobody' } = expected;
  equal(await turns.load(running), expected.load(running), 'the turn that has begun');
}

function codeOf(error: unknown): string {
  if (isLashError(error)) return error.code;
  throw error;
}

/** Steps on what a session keeps of its turns. */
export const TURNS: Readonly<Record<string, Step>> = {
  accept,
  begin,
  proceed,
  end,
  record,
  signal,
  move,
  withdraw,
  withdrawRace,
  turnReads,
};
