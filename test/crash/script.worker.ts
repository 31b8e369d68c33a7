import { attachmentsOfBody } from '../../src/core/node.ts';
import { hashBlob } from '../../src/stores/rules/hash-blob.ts';
import { findFaults, readRows } from '../stores/raw-check.ts';
import { openDatabase } from '../support/open-database.ts';
import { answerCalls } from './answer-calls.ts';
import { lockViolations } from './dead-locks.ts';
import { type Boundary, Gate } from './gate.ts';
import { type Acknowledged, Player } from './player.ts';
import type { Progress, Recording, Recovery } from './report.ts';
import { type ScriptPlan, type Step, writeScript } from './script.ts';
import { endLinesOf, linesOf, type StoredRows } from './stored-rows.ts';

/** How many acknowledged operations are asked for once more after a kill. */
const REPLAYED = 4;

/** How far a script was played here, so far. */
interface Done {
  begun: number;
  readonly told: Acknowledged[];
}

/** Plays the whole script and writes down the state after each writing transaction. */
async function record(name: string, plan: ScriptPlan): Promise<Recording> {
  const database = openDatabase(name);
  const states: (readonly string[])[] = [];
  const told: Acknowledged[] = [];
  const stepOf: number[] = [];
  const violations: string[] = [];
  let at = 0;
  const gate = new Gate(database, undefined, async () => {
    states.push(linesOf(await readRows(name)));
    stepOf.push(at);
    const faults = await findFaults(name, false);
    violations.push(...faults.map((what) => `step ${at}: ${what}`));
  });
  const player = new Player(database);
  for (const step of writeScript(plan)) {
    const receipt = await player.play(step, 0);
    if (receipt !== undefined) told.push(receipt);
    at++;
  }
  await database.close();
  return { states, stepOf, failed: gate.failed, told, end: endLinesOf(await readRows(name)), violations };
}

/** Plays the script until its boundary; nothing goes on there. */
async function runTo(name: string, plan: ScriptPlan, stopAt: Boundary): Promise<Progress> {
  const database = openDatabase(name);
  const gate = new Gate(database, stopAt);
  const done = { begun: 0, told: [] };
  const killed = await isHeld(gate, playRest(new Player(database), writeScript(plan), done, 0));
  return { killed, ...done };
}

/** Plays what is left of a script, and keeps `done` up to date. */
async function playRest(player: Player, steps: readonly Step[], done: Done, attempt: number): Promise<void> {
  for (const step of steps.slice(done.begun)) {
    const receipt = await player.play(step, attempt);
    if (receipt !== undefined) done.told.push(receipt);
    done.begun++;
  }
}

/** Whether the worker comes to its gate before it is done. */
function isHeld(gate: Gate, done: Promise<void>): Promise<boolean> {
  return Promise.race([gate.reached.then(() => true), done.then(() => false)]);
}

/** Looks at what a killed worker left behind, and does the rest of the script. */
async function recover(
  name: string,
  plan: ScriptPlan,
  { begun, told }: Pick<Progress, 'begun' | 'told'>,
  attempt: number,
  stopAt: Boundary | null,
): Promise<Recovery> {
  const database = openDatabase(name);
  // Makes it, should the dead not have come so far.
  await database.databaseId();
  const rows = await readRows(name);
  const violations = [...(await findFaults(name, false))];
  const gate = new Gate(database, stopAt ?? undefined);
  const player = new Player(database);
  const steps = writeScript(plan);
  const done: Done = { begun, told: [] };
  const goOn = async (): Promise<void> => {
    violations.push(...(await lockViolations(name)), ...(await readViolations(player, rows)));
    violations.push(...(await replayViolations(player, steps, rows, told)));
    await player.factory.finishDeletions();
    violations.push(...(await findFaults(name, false)));
    const { heads } = await readRows(name);
    if (heads.some(({ pending }) => pending === 1)) violations.push('a deletion was not finished');
    await playRest(player, steps, done, attempt);
  };
  const progress: Progress = { killed: await isHeld(gate, goOn()), ...done };
  if (progress.killed) return { lines: linesOf(rows), violations, progress, end: [] };
  const after = await readRows(name);
  violations.push(...(await findFaults(name, true)), ...(await readViolations(player, after)));
  await database.close();
  return { lines: linesOf(rows), violations, progress, end: endLinesOf(after) };
}

/** What the stores show is what lies there, whole. */
async function readViolations(
  { factory, attachments }: Player,
  rows: StoredRows,
): Promise<readonly string[]> {
  const found: string[] = [];
  const visible = rows.heads.filter(({ kind, pending }) => kind === 'live' && pending === undefined);
  const listed = (await factory.list({ limit: 500 })).items.map(({ sessionId }) => sessionId);
  if (
    listed.toSorted().join() !==
    visible
      .map(({ sessionId }) => sessionId)
      .toSorted()
      .join()
  ) {
    found.push(`the list shows ${listed.join()}`);
  }
  for (const { sessionId } of visible) {
    const store = await factory.open(sessionId, { kind: 'open' });
    const { damage } = await store.findSoundPath();
    if (damage !== null) found.push(`${sessionId}: ${damage.reason}`);
    const path = await store.load({ kind: 'path', checkpoint: true });
    const { nodes, head } = await store.load({ kind: 'all' });
    if (nodes.length !== head.nodeCount)
      found.push(`${sessionId}: ${nodes.length} of ${head.nodeCount} nodes`);
    if (path.nodes.length !== head.depth)
      found.push(`${sessionId}: ${path.nodes.length} deep, not ${head.depth}`);
    for (const { id } of nodes.flatMap(({ body }) => attachmentsOfBody(body))) {
      if ((await hashBlob(await attachments.get(id))) !== id) found.push(`${sessionId}: the bytes of ${id}`);
    }
    await store.close();
  }
  return found;
}

/** Operations that were acknowledged last, and whose nodes were not vacuumed since, give the same receipt again. */
async function replayViolations(
  player: Player,
  steps: readonly Step[],
  { receipts, heads }: StoredRows,
  told: readonly Acknowledged[],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const receipt of told.slice(-REPLAYED)) {
    const { operationId } = receipt;
    const step = steps.find((one) => 'operation' in one && one.operation === operationId);
    if (step?.do !== 'append' && step?.do !== 'branch') throw new Error(`no operation ${operationId}`);
    const lives = heads.some(({ sessionId, kind }) => sessionId === step.session && kind === 'live');
    if (!lives || !receipts.some((row) => row.operationId === operationId)) continue;
    const again = await player.commit(step);
    if (JSON.stringify(again) !== JSON.stringify(receipt)) {
      found.push(`${JSON.stringify(receipt)} became ${JSON.stringify(again)}`);
    }
  }
  return found;
}

answerCalls({ record, runTo, recover });
