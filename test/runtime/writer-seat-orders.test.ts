import fc from 'fast-check';
import { expect, it } from 'vitest';

import type { SessionLease } from '../../src/contract/lease.ts';
import { isLashError, LashError } from '../../src/core/error.ts';
import { Deferred } from '../../src/runtime/deferred.ts';
import { LINGER_MS, WriterSeat } from '../../src/runtime/tabs/writer-seat.ts';
import { LocalSessionLeases } from '../../src/stores/leases/local-leases.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

/** One thing that happens to a seat. */
type Step =
  | 'enter'
  | 'enter for a turn'
  | 'leave'
  | 'rest'
  | 'is asked'
  | 'loses the lease'
  | 'thief lets go'
  | 'storage answers'
  | 'storage is blocked'
  | 'storage fails'
  | 'a second passes'
  | 'the lease has lingered';

const STEPS: readonly Step[] = [
  'enter',
  'enter for a turn',
  'leave',
  'rest',
  'is asked',
  'loses the lease',
  'thief lets go',
  'storage answers',
  'storage is blocked',
  'storage fails',
  'a second passes',
  'the lease has lingered',
];

/** A seat whose storage answers when it is told to, and a thief who takes its lease. */
class Model {
  readonly clock = new ManualClock();
  readonly leases = new LocalSessionLeases();
  readonly seat: WriterSeat;
  readonly #asked: Deferred<void>[] = [];
  #thief: SessionLease | null = null;
  /** `null` when nobody uses the seat. */
  #use: 'entering' | 'writing' | 'refused' | null = null;

  constructor() {
    this.seat = new WriterSeat({
      sessionId: 's',
      leases: this.leases,
      clock: this.clock,
      lingerMs: LINGER_MS,
      prepare: async () => {
        const answer = new Deferred<void>();
        this.#asked.push(answer);
        await answer.promise;
      },
      probe: async () => await Promise.resolve(),
      publish: () => undefined,
      onWriter: () => undefined,
      onLost: () => undefined,
      fenced: () => new LashError('WriterFenced', 'taken', { expected: 1, actual: 2 }),
    });
  }

  async run(step: Step): Promise<void> {
    await this.#perform(step);
    await new Promise((resolve) => setTimeout(resolve, 0));
    await this.#check(step);
  }

  /** Everybody lets go and storage answers: then nothing may be left, and the seat must be of use. */
  async end(): Promise<void> {
    for (let round = 0; round < 4; round++) {
      await this.run('thief lets go');
      await this.run('storage answers');
      await this.run('leave');
      await this.run('the lease has lingered');
    }
    const { seat, leases, clock } = this;
    expect([seat.held, seat.writer, await leases.isHeld('s')]).toEqual([false, 'nobody', false]);
    expect(clock.sleeping).toEqual([]);
    await this.run('enter');
    await this.run('storage answers');
    expect([seat.held, seat.writer, this.#use]).toEqual([true, 'here', 'writing']);
    await seat.close();
    expect([seat.held, await leases.isHeld('s')]).toEqual([false, false]);
    expect(clock.sleeping).toEqual([]);
  }

  async #perform(step: Step): Promise<void> {
    const { seat, leases, clock } = this;
    switch (step) {
      case 'enter':
      case 'enter for a turn':
        // A lease that somebody else keeps is the business of the contest, which has tests of its own.
        if (this.#use === null && this.#thief === null) this.#enter(step === 'enter' ? null : 't');
        return;
      case 'leave':
        if (this.#use === null || this.#use === 'entering') return;
        this.#use = null;
        seat.leave();
        return;
      case 'rest':
        return seat.rest();
      case 'is asked':
        return seat.answer();
      case 'loses the lease':
        this.#thief ??= await leases.acquire('s', { force: true });
        return;
      case 'thief lets go':
        await this.#thief?.release();
        this.#thief = null;
        return await seat.look();
      case 'storage answers':
        return this.#asked.splice(0).forEach(({ resolve }) => resolve());
      case 'storage is blocked':
        return this.#fail(new LashError('StorageBlocked', 'frozen', { database: 'db', reason: 'test' }));
      case 'storage fails':
        return this.#fail(new LashError('StorageUnavailable', 'gone', { database: 'db', reason: 'test' }));
      case 'a second passes':
        return await clock.advance(1000);
      case 'the lease has lingered':
        return await clock.advance(LINGER_MS);
    }
  }

  #enter(turnId: string | null): void {
    this.#use = 'entering';
    this.seat.enter({ turnId }).then(
      () => {
        this.#use = 'writing';
        expect([this.seat.held, this.seat.writer]).toEqual([true, 'here']);
      },
      (error: unknown) => {
        this.#use = 'refused';
        expect(isLashError(error) ? error.code : error).toMatch(
          /WriterFenced|Storage(?:Blocked|Unavailable)/u,
        );
      },
    );
  }

  #fail(error: LashError): void {
    for (const { reject } of this.#asked.splice(0)) reject(error);
  }

  async #check(step: Step): Promise<void> {
    const { seat, leases, clock } = this;
    const state = { step, held: seat.held, writer: seat.writer, use: this.#use, asked: this.#asked.length };
    const held = await leases.isHeld('s');
    expect(held, JSON.stringify(state)).toBe(this.#thief !== null || seat.held);
    if (seat.writer === 'here' || seat.writer === 'blocked')
      expect(seat.held, JSON.stringify(state)).toBe(true);
    if (seat.held && this.#use === null) {
      const goesOn = clock.sleeping.length > 0 || this.#asked.length > 0;
      expect(goesOn, JSON.stringify(state)).toBe(true);
      expect(['here', 'blocked'], JSON.stringify(state)).toContain(seat.writer);
    }
  }
}

it('[WS1][WS4][WS6][WS7] whatever comes in whatever order, a seat says that it may write only while it holds the lease, and leaves none behind', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...STEPS), { maxLength: 24 }), async (steps) => {
      const model = new Model();
      for (const step of steps) await model.run(step);
      await model.end();
    }),
    { seed: 20_260_101, numRuns: 150 },
  );
});
