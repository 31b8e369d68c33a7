import type { ParkedSession } from '../../src/core/parked-session.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { answerCalls } from './answer-calls.ts';
import { BenchDatabase } from './bench-database.ts';
import { LongSession, type LongSessionState, parkSessions } from './heap-figures.ts';
import { type BranchPlace, mostResident, openingCost, readTimes, writeBranched } from './read-figures.ts';
import { branchCosts, commitAtSize, turnTimes } from './write-figures.ts';

/** A worker with the database under test, which does what it is told to. Answers are data. */
const database = new BenchDatabase('bench');
const held: { runtime?: LashRuntime; long?: LongSession; parked: ParkedSession[] } = { parked: [] };

const calls = {
  writeBranched: (sessionId: string, orphans: number, place: BranchPlace) =>
    writeBranched(database, sessionId, orphans, place),
  openingCost: (sessionId: string) => openingCost(database, sessionId),
  mostResident: (sessionId: string, residentBytes: number) =>
    mostResident(database, sessionId, residentBytes),
  /** Opens a session and goes on holding it. */
  hold: async (sessionId: string) => {
    held.runtime = await database.openRuntime(sessionId);
    return held.runtime.residentNodes;
  },
  commitAtSize: () => commitAtSize(database),
  readTimes: () => readTimes(database),
  turnTimes: () => turnTimes(database),
  branchCosts: (branches: number) => branchCosts(database, branches),
  runLong: async (turns: number, residentBytes: number): Promise<LongSessionState> => {
    held.long ??= await LongSession.create(database, residentBytes);
    return await held.long.run(turns);
  },
  /** Parks sessions and keeps the handles. */
  park: async (prefix: string, count: number) => {
    held.parked.push(...(await parkSessions(database, prefix, count)));
    return held.parked;
  },
  drop: () => void held.parked.splice(0),
};

export type BenchCalls = typeof calls;

answerCalls(calls);
