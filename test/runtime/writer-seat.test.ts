import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { SessionNotice } from '../../src/contract/lease.ts';
import { LashError } from '../../src/core/error.ts';
import type { SessionWriter } from '../../src/core/event.ts';
import { Deferred } from '../../src/runtime/deferred.ts';
import { ANSWER_MS } from '../../src/runtime/tabs/lease-contest.ts';
import { LINGER_MS, WriterSeat } from '../../src/runtime/tabs/writer-seat.ts';
import { LocalSessionLeases } from '../../src/stores/leases/local-leases.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { eventually } from '../support/eventually.ts';

interface Tab {
  readonly seat: WriterSeat;
  readonly writers: SessionWriter[];
  readonly prepared: () => number;
  readonly lost: () => number;
  /** What preparing to write fails with, once per element. */
  readonly failures: LashError[];
  /** Storage that does not answer: rejects with this while preparing goes on. */
  readonly silence: { error: LashError | null };
  /** What preparing to write waits for. */
  readonly storage: { answers: Promise<void> };
  /** From now on it hears nothing, as a frozen tab does. */
  readonly freeze: () => void;
}

let clock: ManualClock;
let leases: LocalSessionLeases;
let tabs: Tab[];

beforeEach(() => {
  clock = new ManualClock();
  leases = new LocalSessionLeases();
  tabs = [];
});

afterEach(async () => {
  for (const { seat } of tabs) await seat.close();
});

function tab(): Tab {
  const writers: SessionWriter[] = [];
  const failures: LashError[] = [];
  const silence: Tab['silence'] = { error: null };
  const storage: Tab['storage'] = { answers: Promise.resolve() };
  let prepared = 0;
  let lost = 0;
  const hear = ({ kind }: SessionNotice): void => {
    if (kind === 'wanted') seat.answer();
    else void seat.look();
  };
  const seat = new WriterSeat({
    sessionId: 's',
    leases,
    clock,
    lingerMs: LINGER_MS,
    prepare: async () => {
      prepared++;
      if (silence.error !== null) await clock.sleep(10_000, new AbortController().signal);
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      await storage.answers;
    },
    probe: async () => {
      if (silence.error === null) return;
      await clock.sleep(4000, new AbortController().signal);
      throw silence.error;
    },
    publish: (notice) => leases.publish('s', notice, hear),
    onWriter: (writer) => writers.push(writer),
    onLost: () => lost++,
    fenced: () => new LashError('WriterFenced', 'taken', { expected: 1, actual: 2 }),
  });
  const freeze = leases.subscribe('s', hear);
  const counts = { prepared: () => prepared, lost: () => lost };
  const made = { seat, writers, failures, silence, storage, freeze, ...counts };
  tabs.push(made);
  return made;
}

/** Lets what is ready happen, with the clock standing still. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Moves the clock on while `promise` is pending, at most so far. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const settled = new AbortController();
  const end = (): void => settled.abort();
  promise.then(end, end);
  // A module that is loaded on demand takes time of its own.
  await new Promise((resolve) => setTimeout(resolve, 20));
  for (let passed = 0; passed < ms && !settled.signal.aborted; passed += 50) {
    await eventually(() => expect(settled.signal.aborted || clock.sleeping.length > 0).toBe(true));
    if (!settled.signal.aborted) await clock.advance(50);
  }
  expect(settled.signal.aborted, `done within ${ms} ms`).toBe(true);
  return await promise;
}

const blocked = (): LashError =>
  new LashError('StorageBlocked', 'frozen', { database: 'db', reason: 'test' });

describe('the seat of a writer', () => {
  it('[WS1][WS4] a free lease is taken, kept for five seconds after the last use, and then given up', async () => {
    const { seat, writers, prepared } = tab();
    expect(seat.held).toBe(false);
    await seat.enter({ turnId: 't' });
    await clock.advance(60_000);
    expect(await leases.isHeld('s')).toBe(true);
    seat.leave();
    await clock.advance(4000);
    await seat.enter({ turnId: null });
    seat.leave();
    await clock.advance(4999);
    expect(await leases.isHeld('s')).toBe(true);
    await clock.advance(1);
    expect(await leases.isHeld('s')).toBe(false);
    expect(prepared()).toBe(2);
    expect(writers).toEqual(['here', 'nobody']);
    expect(clock.sleeping).toEqual([]);
  });

  it('[WS2][WS4] an idle holder gives the lease up as soon as another one wants it', async () => {
    const [a, b] = [tab(), tab()];
    await a.seat.enter({ turnId: 't' });
    a.seat.leave();
    await within(100, b.seat.enter({ turnId: 'u' }));
    expect([a.seat.held, b.seat.held, a.lost()]).toEqual([false, true, 0]);
  });

  it('[WS2][WS5] a running turn keeps the lease and says so; force takes it at once', async () => {
    const [a, b] = [tab(), tab()];
    await a.seat.enter({ turnId: 't' });
    const refused = within(ANSWER_MS / 2, b.seat.enter({ turnId: 'u' }));
    await expect(refused).rejects.toMatchObject({
      code: 'SessionHeldElsewhere',
      data: { sessionId: 's', turnId: 't' },
      retryable: true,
    });
    b.seat.leave();
    expect([a.seat.held, a.lost(), b.seat.writer]).toEqual([true, 0, 'elsewhere']);
    await within(ANSWER_MS / 2, b.seat.enter({ turnId: 'u', force: true }));
    expect([a.seat.held, a.lost(), a.seat.writer, b.seat.writer]).toEqual([false, 1, 'elsewhere', 'here']);
  });

  it('[WS5] a short write is finished, and then the lease goes to whoever wants it', async () => {
    const [a, b] = [tab(), tab()];
    await a.seat.enter({ turnId: null });
    const wanted = b.seat.enter({ turnId: null });
    await eventually(() => expect(clock.sleeping).toHaveLength(1));
    await clock.advance(500);
    expect(b.seat.held).toBe(false);
    a.seat.leave();
    await within(100, wanted);
    expect([a.seat.held, b.seat.held, a.lost()]).toEqual([false, true, 0]);
  });

  it('[WS2] whoever does not answer has the lease taken away after a second and a half', async () => {
    const [a, b] = [tab(), tab()];
    await a.seat.enter({ turnId: 't' });
    a.freeze();
    const taken = b.seat.enter({ turnId: 'u' });
    await eventually(() => expect(clock.sleeping).toHaveLength(1));
    await clock.advance(ANSWER_MS - 1);
    expect(b.seat.held).toBe(false);
    await within(100, taken);
    expect([a.lost(), a.seat.held, b.seat.held]).toEqual([1, false, true]);
  });

  it('[WS2] of two who want it, one gets it, and the other one is told what it is busy with', async () => {
    const [a, b, c] = [tab(), tab(), tab()];
    await a.seat.enter({ turnId: null });
    const wanted = [b, c].map(({ seat }, index) => seat.enter({ turnId: `turn-${index}` }));
    await eventually(() => expect(clock.sleeping).toHaveLength(2));
    a.seat.leave();
    const ends = await within(ANSWER_MS, Promise.allSettled(wanted));
    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const winner = ends.findIndex(({ status }) => status === 'fulfilled');
    expect(ends[1 - winner]).toMatchObject({ reason: { data: { turnId: `turn-${winner}` } } });
    expect([b.lost(), c.lost()]).toEqual([0, 0]);
  });

  it('[WS4] resting gives the lease up at once, or when the turn is over, and closing does too', async () => {
    const { seat } = tab();
    await seat.enter({ turnId: 't' });
    seat.rest();
    await settle();
    expect(seat.held).toBe(true);
    seat.leave();
    await settle();
    expect(await leases.isHeld('s')).toBe(false);
    await seat.enter({ turnId: 't' });
    seat.leave();
    seat.rest();
    await settle();
    expect(await leases.isHeld('s')).toBe(false);
    await seat.enter({ turnId: 't' });
    seat.leave();
    await seat.close();
    expect(await leases.isHeld('s')).toBe(false);
    expect(clock.sleeping).toEqual([]);
  });

  it('[WS7] a writer that storage keeps from writing says so, goes on trying, and then says that it may', async () => {
    const { seat, writers, failures, prepared } = tab();
    failures.push(blocked(), blocked(), blocked());
    await expect(seat.enter({ turnId: 't' })).rejects.toMatchObject({ code: 'StorageBlocked' });
    seat.leave();
    expect(seat.writer).toBe('blocked');
    await clock.advance(1000);
    await expect(seat.enter({ turnId: 'u' })).rejects.toMatchObject({ code: 'StorageBlocked' });
    seat.leave();
    expect(prepared()).toBe(2);
    await clock.advance(2000);
    expect([seat.writer, prepared()]).toEqual(['here', 4]);
    await clock.advance(LINGER_MS);
    expect(writers).toEqual(['blocked', 'here', 'nobody']);
    expect(clock.sleeping).toEqual([]);
  });

  it('[WS7] waiting for a frozen holder and for storage is one wait', async () => {
    const [a, b] = [tab(), tab()];
    await a.seat.enter({ turnId: 't' });
    a.freeze();
    b.silence.error = blocked();
    const refused = within(4100, b.seat.enter({ turnId: 'u' }));
    await expect(refused).rejects.toMatchObject({ code: 'StorageBlocked' });
    b.seat.leave();
    expect([b.seat.held, b.seat.writer]).toEqual([true, 'blocked']);
    b.silence.error = null;
    await clock.advance(10_000);
    expect([b.seat.writer, b.prepared()]).toEqual(['here', 1]);
  });

  it('[WS7] a blocked writer stops trying when it loses the lease, when storage says otherwise, and when it closes', async () => {
    const a = tab();
    a.failures.push(...Array.from({ length: 9 }, blocked));
    await expect(a.seat.enter({ turnId: 't' })).rejects.toMatchObject({ code: 'StorageBlocked' });
    a.seat.leave();
    const taken = await leases.acquire('s', { force: true });
    await settle();
    expect([a.seat.writer, a.lost(), a.seat.held]).toEqual(['elsewhere', 1, false]);
    await taken?.release();

    const b = tab();
    b.failures.push(blocked(), new LashError('SessionDeleted', 'gone', { sessionId: 's' }));
    await expect(b.seat.enter({ turnId: 't' })).rejects.toMatchObject({ code: 'StorageBlocked' });
    b.seat.leave();
    await clock.advance(1000);
    expect([b.seat.writer, b.seat.held]).toEqual(['nobody', false]);

    const c = tab();
    c.failures.push(...Array.from({ length: 9 }, blocked));
    await expect(c.seat.enter({ turnId: 't' })).rejects.toMatchObject({ code: 'StorageBlocked' });
    c.seat.leave();
    await c.seat.close();
    await a.seat.close();
    expect([clock.sleeping, await leases.isHeld('s')]).toEqual([[], false]);
  });

  it('[WS6] whoever loses the lease while it prepares does not begin, whatever storage said', async () => {
    const { seat, writers, storage, lost } = tab();
    const gate = new Deferred<void>();
    storage.answers = gate.promise;
    const entered = seat.enter({ turnId: 't' });
    await eventually(() => expect(seat.held).toBe(true));
    const taken = await leases.acquire('s', { force: true });
    gate.resolve();
    await expect(entered).rejects.toMatchObject({ code: 'WriterFenced' });
    expect([seat.held, seat.writer, lost()]).toEqual([false, 'elsewhere', 1]);
    seat.leave();
    await taken?.release();
    await clock.advance(2000);
    expect(writers).toEqual(['elsewhere', 'nobody']);
    await seat.enter({ turnId: null });
    expect(seat.writer).toBe('here');
  });

  it('[WS6][WS7] a use that joins a blocked writer does not begin when the lease is lost meanwhile', async () => {
    const { seat, failures, storage } = tab();
    failures.push(blocked());
    await expect(seat.enter({ turnId: 't' })).rejects.toMatchObject({ code: 'StorageBlocked' });
    seat.leave();
    const gate = new Deferred<void>();
    storage.answers = gate.promise;
    await clock.advance(1000);
    const joined = seat.enter({ turnId: 'u' });
    const taken = await leases.acquire('s', { force: true });
    gate.resolve();
    await expect(joined).rejects.toMatchObject({ code: 'WriterFenced' });
    expect([seat.held, seat.writer]).toEqual([false, 'elsewhere']);
    seat.leave();
    await taken?.release();
    storage.answers = Promise.resolve();
    await seat.enter({ turnId: 'v' });
    expect([seat.held, seat.writer]).toEqual([true, 'here']);
  });

  it('[WS7] a blocked writer that lost the lease between two attempts makes no other one, and can begin anew', async () => {
    const { seat, failures, prepared } = tab();
    failures.push(blocked());
    await expect(seat.enter({ turnId: 't' })).rejects.toMatchObject({ code: 'StorageBlocked' });
    const taken = await leases.acquire('s', { force: true });
    await clock.advance(1000);
    expect(prepared()).toBe(1);
    seat.leave();
    await taken?.release();
    await seat.enter({ turnId: 'u' });
    expect([seat.held, seat.writer]).toEqual([true, 'here']);
  });

  it('[WS2][WS7] a blocked writer gives the lease up once its use is over, if another one wants it', async () => {
    const [a, b] = [tab(), tab()];
    const gate = new Deferred<void>();
    a.storage.answers = gate.promise;
    const refused = a.seat.enter({ turnId: null });
    await eventually(() => expect(a.seat.held).toBe(true));
    a.seat.answer();
    gate.reject(blocked());
    await expect(refused).rejects.toMatchObject({ code: 'StorageBlocked' });
    a.seat.leave();
    await settle();
    expect([a.seat.held, a.seat.writer]).toEqual([false, 'nobody']);
    await b.seat.enter({ turnId: null });
    expect([b.seat.writer, a.prepared()]).toEqual(['here', 1]);
  });

  it('[WS4] a lease under which nothing could be prepared does not linger', async () => {
    const { seat, writers, failures } = tab();
    failures.push(new LashError('SessionDeleted', 'gone', { sessionId: 's' }));
    await expect(seat.enter({ turnId: 't' })).rejects.toMatchObject({ code: 'SessionDeleted' });
    seat.leave();
    await settle();
    expect([seat.held, await leases.isHeld('s'), seat.writer, writers]).toEqual([false, false, 'nobody', []]);
  });

  it('[WS4] a lease that arrives after closing is given back', async () => {
    const { seat, prepared } = tab();
    const entered = seat.enter({ turnId: 't' });
    const closed = seat.close();
    await expect(entered).rejects.toMatchObject({ code: 'SessionClosed' });
    await closed;
    await expect(seat.enter({ turnId: 'u' })).rejects.toMatchObject({ code: 'SessionClosed' });
    await settle();
    expect([await leases.isHeld('s'), seat.held, prepared()]).toEqual([false, false, 0]);
    expect(clock.sleeping).toEqual([]);
  });

  it('a writer that ended without a word is noticed by its lease', async () => {
    const { seat, writers } = tab();
    const gone = await leases.acquire('s');
    await seat.look();
    expect(seat.writer).toBe('elsewhere');
    await gone?.release();
    await clock.advance(2000);
    expect(writers).toEqual(['elsewhere', 'nobody']);
    expect(clock.sleeping).toEqual([]);
  });
});
