import type { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { findFaults, readRows } from '../stores/raw-check.ts';
import { openDatabase } from '../support/open-database.ts';
import { answerCalls } from './answer-calls.ts';
import { lockViolations } from './dead-locks.ts';
import { Gate } from './gate.ts';
import { type OpenScripted, openScripted } from './open-scripted.ts';
import { stageOf } from './stored-stage.ts';
import { endTurn, offPathOf } from './turn-end.ts';
import type { TurnEndReport, TurnProgress, TurnRecording, TurnRecovery, TurnStop } from './turn-report.ts';
import { type Place, type Stage, tellOutside } from './turn-script.ts';

/** The turn of the script, in each database. */
const INPUT = 't';

/** Where a worker plays the script, and is held for ever where it is to be killed. */
class HeldStage implements Stage {
  /** Resolves when the worker is held. */
  readonly reached: Promise<void>;
  readonly gate: Gate;
  readonly #url: string;
  readonly #stopAt: TurnStop | undefined;
  #arrive: () => void = () => undefined;
  #written: () => void = () => undefined;

  constructor(database: IndexedDbDatabase, url: string, stopAt?: TurnStop, onWrite?: () => Promise<void>) {
    this.#url = url;
    this.#stopAt = stopAt;
    const boundary = stopAt !== undefined && 'point' in stopAt ? stopAt : undefined;
    this.gate = new Gate(database, boundary, async () => {
      await onWrite?.();
      this.#written();
    });
    const place = new Promise<void>((resolve) => (this.#arrive = resolve));
    this.reached = Promise.race([this.gate.reached, place]);
  }

  async outside(what: string): Promise<number> {
    return await tellOutside(this.#url, what, 'worker');
  }

  async at(place: Place): Promise<void> {
    if (this.#stopAt !== undefined && 'place' in this.#stopAt && this.#stopAt.place === place) {
      this.#arrive();
      await new Promise(() => undefined);
    }
    // Text is shown until it is recorded, so that the script has the same writes however fast it is played.
    if (place.endsWith('text')) await new Promise<void>((resolve) => (this.#written = resolve));
  }
}

/** Makes the session, with something that lies off the path; resolves with the rows of that. */
async function prepare(name: string, url: string): Promise<readonly string[]> {
  const database = openDatabase(name);
  const { runtime } = await openScripted(database, new HeldStage(database, url), 'create');
  await runtime.appendSessionNodes({
    nodes: [{ kind: 'plugin', pluginType: 'note', data: 'off the path' }],
  });
  await runtime.branchToNode(null);
  await runtime.close();
  await database.close();
  return offPathOf(await readRows(name));
}

/** Plays the script, and writes down what is stored after each writing transaction. */
async function record(name: string, url: string, offPath: readonly string[]): Promise<TurnRecording> {
  const database = openDatabase(name);
  const shapeNow = async (): Promise<string> => stageOf(await readRows(name), INPUT).shape;
  const shapes = [await shapeNow()];
  const stage = new HeldStage(database, url, undefined, async () => void shapes.push(await shapeNow()));
  const session = await openScripted(database, stage, 'open');
  session.approve();
  const end = await endTurn(session, INPUT, name, offPath);
  await database.close();
  return { seams: stage.gate.stores, failed: stage.gate.failed, shapes, end };
}

/** Plays the script until the worker is held. */
async function runTo(name: string, url: string, stopAt: TurnStop): Promise<TurnProgress> {
  const database = openDatabase(name);
  const stage = new HeldStage(database, url, stopAt);
  let isAccepted = false;
  const play = async (): Promise<void> => {
    const session = await openScripted(database, stage, 'open');
    session.approve();
    const { accepted, result } = session.runtime.turn(INPUT, { inputId: INPUT });
    await accepted;
    isAccepted = true;
    await result;
  };
  const isHeld = await Promise.race([stage.reached.then(() => true), play().then(() => false)]);
  return { isHeld, isAccepted };
}

/** Looks at what a killed worker left behind, and asks for its turn again. */
async function recover(
  name: string,
  url: string,
  offPath: readonly string[],
  stopAt: TurnStop | null,
): Promise<TurnRecovery> {
  const rows = await readRows(name);
  const violations = [...(await findFaults(name, false)), ...(await lockViolations(name))];
  const database = openDatabase(name);
  const stage = new HeldStage(database, url, stopAt ?? undefined);
  let [isAccepted, end]: [boolean, TurnEndReport | null] = [false, null];
  const play = async (): Promise<void> => {
    const session = await openScripted(database, stage, 'open');
    session.approve();
    await session.runtime.turn(INPUT, { inputId: INPUT }).accepted;
    isAccepted = true;
    end = await endTurn(session, INPUT, name, offPath);
    await database.close();
  };
  const isHeld = await Promise.race([stage.reached.then(() => true), play().then(() => false)]);
  return { found: stageOf(rows, INPUT), violations, progress: { isHeld, isAccepted }, end };
}

let followed: { readonly session: OpenScripted; readonly database: IndexedDbDatabase } | undefined;

/** Opens the session beside whoever plays, and leaves the answers to them. */
async function follow(name: string, url: string): Promise<void> {
  const database = openDatabase(name);
  const session = await openScripted(database, new HeldStage(database, url), 'open');
  followed = { session, database };
}

/** Goes on in the worker that followed, now that whoever played is dead. */
async function goOn(name: string, offPath: readonly string[]): Promise<TurnEndReport> {
  if (followed === undefined) throw new Error('it did not follow');
  const { session, database } = followed;
  session.approve();
  const end = await endTurn(session, INPUT, name, offPath);
  await database.close();
  return end;
}

answerCalls({ prepare, record, runTo, recover, follow, goOn });
