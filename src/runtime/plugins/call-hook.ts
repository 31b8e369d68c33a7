import type { Clock } from '../../contract/clock.ts';
import { LashError, reasonText } from '../../core/error.ts';
import { ABORTED, untilAborted } from '../abort.ts';
import type { StateGate } from './state-gate.ts';

/** How long a hook may take whose plugin does not say, in milliseconds. */
const HOOK_MS = 10_000;

/** Which hook of which plugin is called, and what bounds it (rule PL2). */
export interface HookCall {
  readonly plugin: string;
  readonly hook: string;
  readonly timeoutMs: number | undefined;
  readonly clock: Clock;
  /** Nobody waits for the hook once this aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Open for the time of the call, of a hook in which the plugin's state may change. */
  readonly gate?: StateGate | undefined;
}

/** The time of one call of a hook; its signal is made for those alone that ask for it: a turn has hundreds of calls. */
export class HookTime {
  readonly #asked: AbortSignal | undefined;
  readonly #gate: StateGate | undefined;
  #late: AbortController | undefined;
  #expired: LashError | undefined;
  #signal: AbortSignal | undefined;
  #isOver = false;

  constructor({ signal, gate }: HookCall) {
    this.#asked = signal;
    this.#gate = gate;
    gate?.enter();
  }

  get signal(): AbortSignal {
    if (this.#signal !== undefined) return this.#signal;
    this.#late = new AbortController();
    if (this.#expired !== undefined) this.#late.abort(this.#expired);
    const { signal } = this.#late;
    this.#signal = this.#asked === undefined ? signal : AbortSignal.any([signal, this.#asked]);
    return this.#signal;
  }

  /** Whether nobody waits for the hook any more, or it answered. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Once. */
  end(): void {
    this.#isOver = true;
    this.#gate?.leave();
  }

  expire(error: LashError): void {
    this.#expired = error;
    this.#late?.abort(error);
  }
}

/**
 * What a hook answers: one that answers at once costs no wait. It throws, or rejects with, `PluginFailed`, or the reason of the
 * call's signal once that aborted.
 */
export function callHook<T>(call: HookCall, work: (time: HookTime) => T | Promise<T>): T | Promise<T> {
  const time = new HookTime(call);
  try {
    const answer = callNow(call, () => {
      const given = work(time);
      return isThenable(given) ? Promise.resolve(given) : given;
    });
    if (answer instanceof Promise) return settled(call, answer, time).finally(() => time.end());
    time.end();
    return answer;
  } catch (error) {
    time.end();
    throw error;
  }
}

/** As {@link callHook}, of a hook that may not wait. @throws `PluginFailed` */
export function callNow<T>(call: Pick<HookCall, 'plugin' | 'hook'>, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw threw(call, cause);
  }
}

/** Looks at an answer: one that cannot even be read is none. @throws `PluginFailed`, and the `LashError` that `look` throws */
export function readAnswer<T>(call: Pick<HookCall, 'plugin' | 'hook'>, look: () => T): T {
  try {
    return look();
  } catch (cause) {
    throw cause instanceof LashError ? cause : hookInvalid(call, 'data that can be read');
  }
}

/** Whether it is a promise, of whatever make: it is waited for as one. */
function isThenable(value: unknown): value is PromiseLike<never> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { readonly then?: unknown }).then === 'function'
  );
}

/** What a plugin is told of that answered with something else than it should. */
export function hookInvalid(call: Pick<HookCall, 'plugin' | 'hook'>, what: string): LashError {
  return hookMisfit(call, `return ${what}`);
}

/** What a plugin is told of that has something else for a hook than it `must`. */
export function hookMisfit({ plugin, hook }: Pick<HookCall, 'plugin' | 'hook'>, must: string): LashError {
  const message = `The hook ${hook} of the plugin ${plugin} must ${must}`;
  return new LashError('PluginFailed', message, { plugin, hook, problem: 'invalid' });
}

async function settled<T>(call: HookCall, answer: Promise<T>, time: HookTime): Promise<T> {
  const { clock, signal, timeoutMs = HOOK_MS } = call;
  const over = new AbortController();
  const late = clock.sleep(timeoutMs, over.signal).then(
    () => {
      const error = tookTooLong(call, timeoutMs);
      time.expire(error);
      throw error;
    },
    // The hook answered first.
    async () => await new Promise<never>(() => undefined),
  );
  const named = answer.catch((cause: unknown) => {
    throw threw(call, cause);
  });
  try {
    const first = Promise.race([named, late]);
    const done = signal === undefined ? await first : await untilAborted(first, signal);
    if (done === ABORTED) throw signal?.reason;
    return done;
  } finally {
    over.abort();
  }
}

function threw({ plugin, hook }: Pick<HookCall, 'plugin' | 'hook'>, cause: unknown): LashError {
  const message = `The hook ${hook} of the plugin ${plugin} failed: ${reasonText(cause)}`;
  return new LashError('PluginFailed', message, { plugin, hook, problem: 'threw' }, { cause });
}

function tookTooLong({ plugin, hook }: HookCall, timeoutMs: number): LashError {
  const message = `The hook ${hook} of the plugin ${plugin} took longer than ${timeoutMs} ms`;
  return new LashError('PluginFailed', message, { plugin, hook, problem: 'late' });
}
