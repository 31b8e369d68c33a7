import { answerCalls } from './answer-calls.ts';
import { BenchDatabase } from './bench-database.ts';
import { childrenCosts } from './children-figures.ts';
import { pluginCosts } from './plugin-figures.ts';
import { recordedEffects, recordedStream } from './recording-figures.ts';
import { turnAtLength } from './turn-figures.ts';

/** A worker with the database under test, which does what it is told to. Answers are data. */
const database = new BenchDatabase('bench');

const calls = {
  turnAtLength: (turns: number) => turnAtLength(database, turns),
  pluginCosts: (count: number) => pluginCosts(database, count),
  childrenCosts: (count: number, parallel: number) => childrenCosts(database, count, parallel),
  recordedEffects: () => recordedEffects(database),
  recordedStream: (ms: number) => recordedStream(database, ms),
};

export type TurnCalls = typeof calls;

answerCalls(calls);
