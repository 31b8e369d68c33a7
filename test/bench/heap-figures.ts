import { systemClock } from '../../src/contract/clock.ts';
import type { SessionStore } from '../../src/contract/store.ts';
import type { ParkedSession } from '../../src/core/parked-session.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { runHousekeeping } from '../../src/worker/housekeeping.ts';
import type { BenchDatabase } from './bench-database.ts';
import { text } from './content.ts';

const HOUSEKEEPING_EVERY = 100;
const BRANCH_EVERY = 5;
const BACK = 3;

/** What a long session has come to. */
export interface LongSessionState {
  readonly turns: number;
  readonly depth: number;
  readonly nodeCount: number;
  readonly residentNodes: number;
  readonly residentBytes: number;
  readonly tombstoned: number;
  readonly rowsRemoved: number;
}

/** A session that goes on and on: every fifth turn is put anew three turns before the last one, and house is kept. */
export class LongSession {
  readonly #database: BenchDatabase;
  readonly #runtime: LashRuntime;
  readonly #residentBytes: number;
  #turns = 0;
  #leaves: (string | null)[] = [];
  #tombstoned = 0;
  #rowsRemoved = 0;

  private constructor(database: BenchDatabase, runtime: LashRuntime, residentBytes: number) {
    this.#database = database;
    this.#runtime = runtime;
    this.#residentBytes = residentBytes;
  }

  static async create(database: BenchDatabase, residentBytes: number): Promise<LongSession> {
    return new LongSession(database, await database.createRuntime('long', residentBytes), residentBytes);
  }

  async run(turns: number): Promise<LongSessionState> {
    for (let done = 0; done < turns; done++) {
      await this.#turn();
      if (this.#turns % HOUSEKEEPING_EVERY === 0) await this.#keepHouse();
    }
    const { head } = this.#runtime.view();
    const { residentNodes, residentBytes } = this.#runtime;
    return {
      turns: this.#turns,
      depth: head.depth,
      nodeCount: head.nodeCount,
      residentNodes,
      residentBytes,
      tombstoned: this.#tombstoned,
      rowsRemoved: this.#rowsRemoved,
    };
  }

  async close(): Promise<void> {
    await this.#runtime.close();
  }

  async #turn(): Promise<void> {
    this.#turns++;
    const goesBack = this.#turns % BRANCH_EVERY === 0 && this.#leaves.length > BACK;
    if (goesBack) this.#leaves.splice(-BACK);
    const from = goesBack ? { from: this.#leaves.at(-1) ?? null } : {};
    const { status } = await this.#runtime.turn(text(200, this.#turns), from).result;
    if (status !== 'completed') throw new Error(`turn ${this.#turns} is ${status}`);
    this.#leaves = [...this.#leaves, this.#runtime.view().head.leaf].slice(-2 * BACK);
  }

  async #keepHouse(): Promise<void> {
    const scope = {
      environment: this.#database.environment(this.#residentBytes),
      clock: systemClock,
      signal: new AbortController().signal,
      onStore: async <T>(sessionId: string, work: (store: SessionStore) => Promise<T>): Promise<T> => {
        if (sessionId !== this.#runtime.sessionId) throw new Error(`another session: ${sessionId}`);
        return await this.#runtime.maintain(work);
      },
    };
    const { sessions, error } = await runHousekeeping(scope, { youngerThanMs: 0 });
    if (error !== undefined) throw new Error(`housekeeping: ${error.message}`);
    for (const { tombstoned, vacuum } of sessions) {
      this.#tombstoned += tombstoned;
      this.#rowsRemoved += vacuum.removedRows;
    }
  }
}

/** Makes sessions, says something in each, and parks them. */
export async function parkSessions(
  database: BenchDatabase,
  prefix: string,
  count: number,
): Promise<readonly ParkedSession[]> {
  const parked: ParkedSession[] = [];
  for (let index = 0; index < count; index++) {
    const runtime = await database.createRuntime(`${prefix}-${index}-${crypto.randomUUID()}`);
    const node = { kind: 'plugin', pluginType: 'note', data: text(1_000, index) } as const;
    await runtime.appendSessionNodes({ nodes: [node] });
    parked.push(await runtime.park());
  }
  return parked;
}
