import { LIVES, resume } from './model-lives.ts';
import { checkAll, READS } from './model-reads.ts';
import { ModelRun, Tally } from './model-run.ts';
import { TURNS } from './model-turn-steps.ts';
import { UPKEEP } from './model-upkeep.ts';
import type { ModelWorld } from './model-world.ts';
import { type Step, WRITES } from './model-writes.ts';

/** Kinds of steps, and how often each comes in a thousand or so. A conversation mostly goes on. */
const WEIGHTS: Readonly<Record<string, number>> = {
  say: 400,
  appendBelow: 80,
  branch: 50,
  unchanged: 10,
  again: 20,
  reuse: 8,
  stale: 10,
  lease: 10,
  race: 10,
  twin: 8,
  checkpoint: 40,
  attach: 25,
  attachMissing: 6,
  pin: 25,
  unpin: 18,
  tombstoneOrphans: 35,
  tombstoneAny: 25,
  vacuum: 15,
  vacuumStopped: 14,
  giveUp: 5,
  sweep: 18,
  put: 30,
  loneComponents: 3,
  upkeepRace: 10,
  create: 20,
  remove: 7,
  park: 16,
  resume: 10,
  meta: 6,
  badIds: 3,
  importOne: 8,
  page: 30,
  node: 25,
  locate: 15,
  siblings: 25,
  orphans: 10,
  walk: 5,
  inventory: 10,
  soundPath: 4,
  list: 5,
  accept: 55,
  begin: 40,
  proceed: 35,
  end: 20,
  record: 50,
  signal: 25,
  move: 25,
  withdraw: 15,
  withdrawRace: 4,
  turnReads: 15,
};

const STEPS: Readonly<Record<string, Step>> = { ...WRITES, ...UPKEEP, ...LIVES, ...READS, ...TURNS };

const named = (what: string, names: string): readonly string[] =>
  names.split(' ').map((name) => `${what}: ${name}`);

/** What every run must have met, besides every kind of step. */
const OUTCOMES: readonly string[] = [
  ...named('commit', 'applied replay OperationConflict WriterFenced NodeNotFound StaleBranch'),
  ...named('commit', 'HeadRevisionConflict ComponentNotFound AttachmentNotFound'),
  ...named('two writers', 'HeadRevisionConflict replay'),
  ...named('tombstone', 'Swept Incomplete Refused NothingToDo'),
  ...named('tombstone refused', 'unknown reachable live-descendants'),
  ...named('vacuum', 'Swept NothingToDo Incomplete'),
  ...named('sweep of components', 'Swept NothingToDo Refused'),
  ...named('sweep of attachments', 'Swept NothingToDo Refused'),
  ...named('import', 'published abandoned'),
  ...named('pin', 'pinned NodeNotFound'),
  ...named('accept', 'accepted same OperationConflict'),
  ...named('begin', 'applied TurnRunning InputNotQueued OperationConflict'),
  ...named('progress', 'applied TurnNotFound InputNotQueued'),
  ...named('end', 'applied TurnNotFound'),
  ...named('record', 'added same OperationConflict WriterFenced TurnNotFound'),
  ...named('signal', 'given stands TurnNotFound'),
  ...named('move', 'moved InputNotQueued'),
  ...named('withdraw', 'withdrawn InputNotQueued'),
  'checkpoint: applied',
  'vacuum: kept nodes',
  'siblings: some',
  'resume: unchanged',
  'resume: gone on',
  'page: NodeNotFound',
  'node: NodeNotFound',
];

/** How long a database lives in a run: then the next one begins empty. */
const CHAPTER_STEPS = 2500;

/** What a run of programs is. */
export interface ModelPlan {
  readonly steps: number;
  readonly seed: number;
  /** After so many steps the whole database is looked at. */
  readonly checkEvery: number;
  /** Runs a body on an empty database. */
  readonly within: (body: (world: ModelWorld) => Promise<void>) => Promise<void>;
  /** What only this kind of database can meet. */
  readonly alsoMeets?: readonly string[];
}

/**
 * Runs random programs on a store and on the model, and compares what both answer after every step. Resolves with how
 * often what was generated. @throws `Error` also if something never was
 */
export async function runModel(plan: ModelPlan): Promise<ReadonlyMap<string, number>> {
  const tally = new Tally();
  const { counts } = tally;
  const play = (chapter: number, steps: number): Promise<void> =>
    plan.within((world) =>
      runChapter(new ModelRun(world, plan.seed + chapter * 7919, tally), steps, plan.checkEvery),
    );
  let chapter = 0;
  for (let left = plan.steps; left > 0; left -= CHAPTER_STEPS) {
    await play(chapter++, Math.min(left, CHAPTER_STEPS));
  }
  const missing = (): readonly string[] =>
    [...Object.keys(STEPS), ...OUTCOMES, ...(plan.alsoMeets ?? [])].filter((name) => !counts.has(name));
  // A short run may leave out something rare once.
  if (missing().length > 0) await play(chapter, Math.min(plan.steps, CHAPTER_STEPS));
  if (missing().length > 0) throw new Error(`never generated: ${missing().join(', ')}\n${tableOf(counts)}`);
  return counts;
}

/** Counts as lines of text. */
export function tableOf(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${String(count).padStart(9)}  ${name}`).join('\n');
}

async function runChapter(run: ModelRun, steps: number, checkEvery: number): Promise<void> {
  let step = 0;
  try {
    await run.create();
    await runStep(run, 'blindSweep');
    for (step = 1; step <= steps; step++) {
      await runStep(run, chooseKind(run));
      if (step % checkEvery === 0) await checkAll(run);
    }
    await checkAll(run);
  } catch (error) {
    const last = run.log.slice(-20).join('\n  ');
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`seed ${run.seed}, step ${step}: ${reason}\nthe last steps:\n  ${last}`, {
      cause: error,
    });
  }
}

async function runStep(run: ModelRun, kind: string): Promise<void> {
  await run.world.clock.advance(1000);
  const play = run.random.pick(run.plays);
  const seat = play && run.seatOf(play);
  if (play === undefined) return;
  if (seat === undefined) {
    await resume(run, play);
    run.tally.add('resume');
    return;
  }
  run.note(`${kind} ${play.session.sessionId}`);
  run.skipped = false;
  await STEPS[kind]?.(run, play, seat);
  if (!run.skipped) run.tally.add(kind);
  if (run.log.length > 200) run.log.splice(0, 100);
  if (run.plays.includes(play)) await run.checkHead(play);
}

/** A kind of step by its weight; now and then one that was not generated yet. */
function chooseKind({ random, tally }: ModelRun): string {
  const kinds = Object.entries(WEIGHTS);
  const fresh = random.percent(10) ? kinds.find(([kind]) => !tally.counts.has(kind)) : undefined;
  if (fresh !== undefined) return fresh[0];
  let left = random.below(kinds.reduce((sum, [, weight]) => sum + weight, 0));
  for (const [kind, weight] of kinds) {
    left -= weight;
    if (left < 0) return kind;
  }
  return 'say';
}
