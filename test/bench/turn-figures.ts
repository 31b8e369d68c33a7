import type { NodeDraft } from '../../src/core/node.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import type { RowCounters } from '../../src/stores/indexeddb/rows/row-counters.ts';
import type { BenchDatabase } from './bench-database.ts';
import { says, text, Writer } from './content.ts';
import { type Compared, compare, type Contestant, inARow } from './measure.ts';

/** A turn in a long session and in a short one. The first contestant is the long one. */
export interface TurnAtLength {
  readonly times: readonly Compared[];
  readonly long: RowCounters;
  readonly short: RowCounters;
  /** Of the long one. */
  readonly nodeCount: number;
  readonly residentNodes: number;
}

const SHORT = 100;
const ROUNDS = 40;

/** A turn without tools, with the default context policy and a model that answers at once. */
export async function turnAtLength(database: BenchDatabase, turns: number): Promise<TurnAtLength> {
  const long = await plant(database, 'turns-long', turns);
  const short = await plant(database, 'turns-few_', SHORT);
  let seed = 0;
  const turn = async (runtime: LashRuntime): Promise<void> => {
    const { status } = await runtime.turn(text(QUESTION, ++seed)).result;
    if (status !== 'completed') throw new Error(`a turn is ${status}`);
  };
  const cost = (runtime: LashRuntime): Promise<RowCounters> =>
    database.costOf(async () => {
      await turn(runtime);
      await settled(300);
    });
  const contestant = (runtime: LashRuntime): Contestant =>
    inARow(
      () => turn(runtime),
      () => settled(50),
    );
  const times = await compare(ROUNDS, [contestant(long), contestant(short)]);
  const costs = { long: await cost(long), short: await cost(short) };
  const { residentNodes } = long;
  const { nodeCount } = long.view().head;
  await Promise.all([long.close(), short.close()]);
  return { times, ...costs, nodeCount, residentNodes };
}

/** What follows a turn that nobody waits for, such as a look for the next one, is over by then. */
export function settled(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const QUESTION = 300;
const ANSWER = 600;
/** So many turns are written commit by commit, as the runtime does; those before them many at a time. */
const RECENT = 500;
const AT_A_TIME = 250;

/** Makes a session of so many turns as turns leave it, and opens it. */
async function plant(database: BenchDatabase, sessionId: string, turns: number): Promise<LashRuntime> {
  const writer = await Writer.create(database.factory, sessionId);
  const old = Math.max(0, turns - RECENT);
  for (let from = 0; from < old; from += AT_A_TIME) {
    const count = Math.min(AT_A_TIME, old - from);
    await writer.append(Array.from({ length: count }, (_, index) => nodesOfTurn(from + index)).flat());
  }
  for (let index = old; index < turns; index++) {
    for (const node of nodesOfTurn(index)) await writer.append([node]);
  }
  const runtime = await database.openRuntime(sessionId);
  const { status } = await runtime.turn(text(QUESTION, turns)).result;
  if (status !== 'completed') throw new Error(`a turn is ${status}`);
  await plantEnds(database.factory.database, sessionId, turns);
  return runtime;
}

function nodesOfTurn(index: number): readonly NodeDraft[] {
  const question = says('user', QUESTION, 2 * index);
  if (question.body.kind !== 'conversation') throw new Error('not a message');
  const numbered = { ...question, body: { ...question.body, turnIndex: index + 1 } };
  return [numbered, says('assistant', ANSWER, 2 * index + 1)];
}

/** What is kept of turns that ended, copied from the one that did. */
async function plantEnds(name: string, sessionId: string, turns: number): Promise<void> {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('not opened'));
  });
  const transaction = database.transaction('turns', 'readwrite');
  const store = transaction.objectStore('turns');
  const ended = store.get(IDBKeyRange.bound([sessionId], [sessionId, []]));
  ended.onsuccess = () => {
    const row: object = ended.result as object;
    for (let index = 0; index < turns; index++) {
      store.add({ ...row, turnId: `planted-${String(index).padStart(28, '0')}` });
    }
  };
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error('aborted'));
  });
  database.close();
}
