import type { CommitReceipt, CommitRequest, SessionStore } from '../contract/store.ts';
import type { StoredTurn, TurnRecord, TurnSignal, TurnStore } from '../contract/turn-store.ts';
import { isLashError, type LashErrorCode } from '../core/error.ts';
import type { JsonValue } from '../core/json.ts';
import { commits } from './commit-mutants.ts';
import { changed, type StoreMutant, withStores } from './mutant.ts';

/** A mutant that keeps turns in its own way. */
function keeps(
  name: string,
  breaks: string,
  change: (turns: TurnStore, store: SessionStore) => Partial<TurnStore>,
): StoreMutant {
  return {
    name,
    breaks,
    make: (context) =>
      withStores(context, (store) => ({ turns: changed(store.turns, change(store.turns, store)) })),
  };
}

/** What `action` comes to, or what `otherwise` does where it is refused with this code. */
async function unless<T>(
  code: LashErrorCode,
  action: Promise<T>,
  otherwise: (error: unknown) => Promise<T>,
): Promise<T> {
  try {
    return await action;
  } catch (error) {
    if (!isLashError(error, code)) throw error;
    return otherwise(error);
  }
}

/** Commits without a word of the turn. */
async function silently(store: SessionStore, request: CommitRequest): Promise<CommitReceipt> {
  const { turn: _turn, ...rest } = request;
  return store.commit(rest);
}

/** Says it of the turn with a commit that does nothing else. */
async function sayOnly(store: SessionStore, { turn }: CommitRequest): Promise<void> {
  if (turn === undefined) return;
  const { head, epoch } = await store.load({ kind: 'head' });
  const change = { kind: 'unchanged' } as const;
  const operationId = crypto.randomUUID();
  await store
    .commit({ operationId, expectedRevision: head.revision, epoch, change, usage: [], turn })
    .catch(() => undefined);
}

/** The request without the inputs that are not queued. */
async function settlingLess({ turns }: SessionStore, request: CommitRequest): Promise<CommitRequest> {
  const { turn } = request;
  if (turn?.kind !== 'progress') return request;
  const pending = await turns.pending();
  const queued = new Set(pending.filter(({ status }) => status === 'queued').map(({ turnId }) => turnId));
  return { ...request, turn: { ...turn, settles: turn.settles.filter((id) => queued.has(id)) } };
}

/** What became of a turn that ended; another one is the error. */
async function known(turns: TurnStore, turnId: string, error: unknown): Promise<StoredTurn> {
  const turn = await turns.find(turnId);
  if (turn?.status !== 'ended') throw error;
  return turn;
}

async function journalOf(turns: TurnStore, turnId: string): Promise<readonly JsonValue[]> {
  return (await turns.load(turnId))?.journal ?? [];
}

/** Adds to the end, wherever the record says. */
async function recordAtEnd(turns: TurnStore, record: TurnRecord): Promise<void> {
  const { length } = await journalOf(turns, record.turnId);
  await turns.record({ ...record, first: length });
}

/** Shows signals with the last value of each id. */
function lastSignals(turns: TurnStore, last: Map<string, TurnSignal>): Partial<TurnStore> {
  const keyOf = ({ turnId, signalId }: TurnSignal): string => JSON.stringify([turnId, signalId]);
  return {
    signal: async (signal) => {
      await turns.signal(signal);
      last.set(keyOf(signal), signal);
      return signal;
    },
    signals: async (turnId) =>
      (await turns.signals(turnId)).map((signal) => last.get(keyOf(signal)) ?? signal),
  };
}

/** Stores that mistake one input for another, or lose what became of it: rule RC1, law TU1. */
const identityMutants: readonly StoreMutant[] = [
  keeps('forgets the hash of what ended', 'RC1: another request is OperationConflict', (turns) => ({
    accept: async (input) =>
      unless('OperationConflict', turns.accept(input), (error) => known(turns, input.turnId, error)),
  })),
  keeps('the last request counts', 'RC1: another request is OperationConflict', (turns) => ({
    accept: async (input) =>
      unless('OperationConflict', turns.accept(input), async (error) => {
        const turn = await turns.find(input.turnId);
        if (turn?.status !== 'queued') throw error;
        return { ...turn, hash: input.hash, request: input.request };
      }),
  })),
  keeps('every input is queued', 'TU1: the same id is the same turn, whatever became of it', (turns) => ({
    accept: async (input) => ({ ...(await turns.accept(input)), status: 'queued' }),
  })),
  keeps('who asks again goes behind all', 'TU1: the same id again changes nothing', (turns) => ({
    accept: async (input) => {
      const turn = await turns.accept(input);
      if (turn.status === 'queued') await turns.move(input.turnId, null);
      return turn;
    },
  })),
];

/** Stores whose commits and turns part: rules RC2, RC3 and RC5, law TU4. */
const changeMutants: readonly StoreMutant[] = [
  commits('a replay says it again', 'RC2: a replayed commit says nothing again', async (store, request) => {
    const receipt = await store.commit(request);
    if (receipt.replayed) await sayOnly(store, request);
    return receipt;
  }),
  commits(
    'a turn goes on although its commit was refused',
    'TU4: what a commit says of a turn is stored with it or not at all',
    async (store, request) => {
      try {
        return await store.commit(request);
      } catch (error) {
        await sayOnly(store, request);
        throw error;
      }
    },
  ),
  commits(
    'nodes are stored although their turn was refused',
    'TU4: what a commit says of a turn is stored with it or not at all',
    async (store, request) => {
      try {
        return await store.commit(request);
      } catch (error) {
        await silently(store, request).catch(() => undefined);
        throw error;
      }
    },
  ),
  commits(
    'a turn is said after its commit',
    'TU4: a refused turn takes its commit with it',
    async (store, request) => {
      const receipt = await silently(store, request);
      await sayOnly(store, request);
      return receipt;
    },
  ),
  commits('two turns begin', 'RC3: at most one turn has begun', async (store, request) =>
    unless('TurnRunning', store.commit(request), () => silently(store, request)),
  ),
  commits(
    'a turn ends the one before',
    'RC3: while a turn runs no other one begins',
    async (store, request) =>
      unless('TurnRunning', store.commit(request), async () => {
        const [running] = await store.turns.pending();
        const turn = { kind: 'end', turnId: running?.turnId ?? '', result: null } as const;
        await sayOnly(store, { ...request, turn });
        const { revision } = (await store.load({ kind: 'head' })).head;
        return store.commit({ ...request, expectedRevision: revision });
      }),
  ),
  commits('whatever has not begun goes on', 'RC5: only a turn that has begun goes on', (store, request) =>
    unless('TurnNotFound', store.commit(request), () => silently(store, request)),
  ),
  commits(
    'keeps the journal over a commit',
    'RC5: a commit begins the journal anew',
    async (store, request) => {
      const { turn } = request;
      const entries = turn?.kind === 'progress' ? await journalOf(store.turns, turn.turnId) : [];
      const receipt = await store.commit(request);
      if (turn !== undefined && entries.length > 0)
        await store.turns.record({ turnId: turn.turnId, epoch: request.epoch, first: 0, entries });
      return receipt;
    },
  ),
  keeps('the plan is what the last commit said', 'RC5: a turn keeps its plan', (turns) => ({
    load: async (turnId) => {
      const loaded = await turns.load(turnId);
      return loaded && { ...loaded, plan: loaded.state };
    },
  })),
  keeps('a turn that ended forgets its result', 'RC5: the last commit leaves the result', (turns) => ({
    find: async (turnId) => {
      const turn = await turns.find(turnId);
      return turn && { ...turn, result: null };
    },
  })),
  keeps('records what has ended', 'RC5: a turn that ended is not recorded', (turns) => ({
    record: async (record) => unless('TurnNotFound', turns.record(record), async () => undefined),
  })),
];

/** Stores whose journals are not what was recorded, once and by the writer: rule RC4. */
const journalMutants: readonly StoreMutant[] = [
  keeps('anybody records', 'RC4: only the writer of the present epoch records', (turns, store) => ({
    record: async (record) => {
      const { epoch } = await store.load({ kind: 'head' });
      await turns.record({ ...record, epoch });
    },
  })),
  keeps('closes gaps', 'RC4: a journal is unbroken', (turns) => ({
    record: async (record) => {
      const { length } = await journalOf(turns, record.turnId);
      await turns.record({ ...record, first: Math.min(length, record.first) });
    },
  })),
  keeps('records everything once more', 'RC4: the same entries are added once', (turns) => ({
    record: async (record) => recordAtEnd(turns, record),
  })),
  keeps('takes other entries for the same', 'RC4: other entries are OperationConflict', (turns) => ({
    record: async (record) => unless('OperationConflict', turns.record(record), async () => undefined),
  })),
  keeps('a wait never ends', 'RC4: a wait shows until the next record', (turns) => ({
    record: async (record) => {
      const waits = (await turns.find(record.turnId))?.waits ?? null;
      await turns.record(waits === null ? record : { waits, ...record });
    },
  })),
  keeps('an old record says what is waited for', 'RC4: an old record changes no wait', (turns) => ({
    record: async (record) => {
      await turns.record(record);
      const { length } = await journalOf(turns, record.turnId);
      await turns.record({ ...record, first: length, entries: [] });
    },
  })),
];

/** Stores that lose the order of the queue, or who left it: rule RC6. */
const queueMutants: readonly StoreMutant[] = [
  commits(
    'settles what was withdrawn',
    'RC6: what is not queued any more is not settled',
    async (store, request) =>
      unless('InputNotQueued', store.commit(request), async () =>
        store.commit(await settlingLess(store, request)),
      ),
  ),
  commits('begins what was withdrawn', 'RC6: what has ended does not begin', async (store, request) =>
    unless('InputNotQueued', store.commit(request), () => silently(store, request)),
  ),
  commits('settles the first only', 'RC6: a commit settles what it names', async (store, request) => {
    const { turn } = request;
    if (turn?.kind !== 'progress') return store.commit(request);
    return store.commit({ ...request, turn: { ...turn, settles: turn.settles.slice(0, 1) } });
  }),
  keeps('withdraws twice', 'RC6: what is not queued is not withdrawn', (turns) => ({
    withdraw: async (turnId, result) =>
      unless('InputNotQueued', turns.withdraw(turnId, result), (error) => known(turns, turnId, error)),
  })),
  keeps('loses order on a move', 'RC6: a move puts an input before another one', (turns) => ({
    move: async (turnId) => turns.move(turnId, null),
  })),
  keeps('moves before whatever', 'RC6: nothing moves before what is not queued', (turns) => ({
    move: async (turnId, before) =>
      unless('InputNotQueued', turns.move(turnId, before), () => turns.move(turnId, null)),
  })),
  keeps('who comes last comes first', 'RC6: an input is queued behind the others', (turns) => ({
    accept: async (input) => {
      const first = (await turns.pending()).find(({ status }) => status === 'queued');
      const turn = await turns.accept(input);
      if (first !== undefined && turn.status === 'queued') await turns.move(input.turnId, first.turnId);
      return turn;
    },
  })),
  keeps('lists in the order of ids', 'RC6: queued inputs have an order of their own', (turns) => ({
    pending: async () => (await turns.pending()).toSorted((a, b) => (a.turnId < b.turnId ? -1 : 1)),
  })),
];

/** Stores whose signals are not the first ones: rule RC7; and one that forgets who is deleted. */
const signalMutants: readonly StoreMutant[] = [
  {
    name: 'the second signal overwrites the first',
    breaks: 'RC7: the first signal of an id stays',
    make: (context) => {
      const last = new Map<string, TurnSignal>();
      return withStores(context, (store) => ({
        turns: changed(store.turns, lastSignals(store.turns, last)),
      }));
    },
  },
  keeps('tells everybody that they were first', 'RC7: everybody is told which signal stays', (turns) => ({
    signal: async (signal) => {
      await turns.signal(signal);
      return signal;
    },
  })),
  keeps('a signal waits for its turn to begin', 'RC7: a queued input takes signals', (turns) => ({
    signal: async (signal) => {
      const turn = await turns.find(signal.turnId);
      return turn?.status === 'queued' ? signal : turns.signal(signal);
    },
  })),
  keeps('takes signals of what has ended', 'RC7: a turn that ended takes no signal', (turns) => ({
    signal: async (signal) => unless('TurnNotFound', turns.signal(signal), async () => signal),
  })),
  keeps('a deleted session has no turns', 'ST12: every call on a deleted session says so', (turns) => ({
    find: async (turnId) => unless('SessionDeleted', turns.find(turnId), async () => null),
  })),
];

/** Stores that keep turns wrongly: rules RC1–RC7, laws TU1 and TU4. */
export const turnMutants: readonly StoreMutant[] = [
  ...identityMutants,
  ...changeMutants,
  ...journalMutants,
  ...queueMutants,
  ...signalMutants,
];
