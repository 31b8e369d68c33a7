import type { SessionLease, SessionLeases } from '../../src/contract/lease.ts';
import type { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { Seeded } from './seeded.ts';

/** How often a program was run, and whether that was every schedule that it has. */
export interface Explored {
  readonly schedules: number;
  readonly complete: boolean;
}

/** Chooses one of so many. */
export type Choose = (of: number) => number;

/** Runs `run` once for every way in which it can choose, at most `limit` times. */
export async function explore(limit: number, run: (choose: Choose) => Promise<void>): Promise<Explored> {
  let prefix: readonly number[] = [];
  for (let schedules = 1; ; schedules++) {
    const trail: { at: number; readonly of: number }[] = [];
    await run((of) => {
      const at = prefix[trail.length] ?? 0;
      trail.push({ at, of });
      return at;
    });
    for (let last = trail.at(-1); last !== undefined && last.at + 1 >= last.of; last = trail.at(-1))
      trail.pop();
    const last = trail.at(-1);
    if (last === undefined) return { schedules, complete: true };
    if (schedules === limit) return { schedules, complete: false };
    last.at++;
    prefix = trail.map(({ at }) => at);
  }
}

/** Runs `run` so many times, choosing at random. */
export async function sample(
  times: number,
  seed: number,
  run: (choose: Choose) => Promise<void>,
): Promise<Explored> {
  const random = new Seeded(seed);
  for (let schedules = 0; schedules < times; schedules++) await run((of) => random.below(of));
  return { schedules: times, complete: false };
}

/** A tab: a program of its own whose transactions start when the scheduler says so. */
export class Fibre {
  readonly name: string;
  state: 'running' | 'waiting' | 'done' | 'dead' = 'running';
  /** Whether it died after a transaction whose answer it never got. */
  lost = false;
  #grant: ((answer: boolean) => void) | undefined;
  #rested: (() => void) | undefined;
  readonly #ends: (() => Promise<void>)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** Starts the program and resolves when it waits for a transaction, or is done. */
  start(body: () => Promise<void>): Promise<void> {
    const rest = this.#rest();
    const done = (): void => {
      if (this.state !== 'dead') this.state = 'done';
      this.#rested?.();
    };
    void body().finally(done);
    return rest;
  }

  /** Lets the next transaction start, and resolves when the program waits again. Without an answer it ends there. */
  grant(answered: boolean): Promise<void> {
    const rest = this.#rest();
    this.state = 'running';
    this.#grant?.(answered);
    return rest;
  }

  /** Ends the program where it is, and what ends with a tab. */
  async kill(): Promise<void> {
    this.state = 'dead';
    for (const end of this.#ends) await end();
  }

  onEnd(end: () => Promise<void>): void {
    this.#ends.push(end);
  }

  /** Makes the transactions of a connection wait for the scheduler. */
  hold(database: IndexedDbDatabase): IndexedDbDatabase {
    const start = database.transaction.bind(database);
    const transaction: IndexedDbDatabase['transaction'] = async (options, body) => {
      const answered = await this.#turn();
      try {
        return await start(options, body);
      } finally {
        if (!answered) await this.#dieUnanswered();
      }
    };
    return Object.defineProperty(database, 'transaction', { value: transaction });
  }

  /** Leases that end with the tab. */
  leases(leases: SessionLeases): SessionLeases {
    const acquire: SessionLeases['acquire'] = async (sessionId, options) => {
      const lease: SessionLease | null = await leases.acquire(sessionId, options);
      if (lease !== null) this.onEnd(() => lease.release());
      return lease;
    };
    return {
      acquire,
      isHeld: (sessionId) => leases.isHeld(sessionId),
      publish: (...args) => leases.publish(...args),
      subscribe: (...args) => leases.subscribe(...args),
    };
  }

  async #dieUnanswered(): Promise<never> {
    this.lost = true;
    await this.kill();
    this.#rested?.();
    return new Promise<never>(() => undefined);
  }

  #turn(): Promise<boolean> {
    if (this.state !== 'running') throw new Error(`${this.name} starts two transactions at once`);
    this.state = 'waiting';
    this.#rested?.();
    return new Promise((resolve) => {
      this.#grant = resolve;
    });
  }

  #rest(): Promise<void> {
    return new Promise((resolve) => {
      this.#rested = resolve;
    });
  }
}

/**
 * Runs fibres, one transaction at a time, in the order that `choose` says. With `kills`, at most one of them ends before
 * one of its transactions, or after one without its answer. Resolves with the schedule, in words.
 */
export async function runFibres(
  fibres: readonly { readonly fibre: Fibre; readonly body: () => Promise<void> }[],
  choose: Choose,
  kills: boolean,
): Promise<readonly string[]> {
  const schedule: string[] = [];
  for (const { fibre, body } of fibres) await fibre.start(body);
  for (let killed = !kills; ;) {
    const waiting = fibres.map(({ fibre }) => fibre).filter(({ state }) => state === 'waiting');
    if (waiting.length === 0) return schedule;
    const ways = waiting.flatMap((fibre) =>
      (killed ? ['go'] : ['go', 'dies', 'dies unanswered']).map((how) => ({ fibre, how })),
    );
    const way = ways[choose(ways.length)];
    if (way === undefined) throw new Error('there is no such way to go on');
    const { fibre, how } = way;
    schedule.push(how === 'go' ? fibre.name : `${fibre.name} ${how}`);
    killed ||= how !== 'go';
    if (how === 'dies') await fibre.kill();
    else await fibre.grant(how === 'go');
  }
}
