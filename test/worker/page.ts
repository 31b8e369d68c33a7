import {
  connectRuntime,
  isLashError,
  type ConnectOptions,
  type LashError,
  type LashErrorCode,
  type RuntimeClient,
  type SessionPolicy,
  type WorkerSource,
} from 'lash-web';
import { onTestFinished } from 'vitest';

export const policy: SessionPolicy = { provider: { id: 'fake', model: 'fake' } };

/** Deadlines of this length detect a hang; nothing that works comes near them. */
const DEADLINE_MS = 60_000;

export const runtimeWorker = (): Worker =>
  new Worker(new URL('./runtime.worker.ts', import.meta.url), { type: 'module' });

/** A client that is closed when the test is over. */
export async function connect(
  options: ConnectOptions = {},
  source: WorkerSource = runtimeWorker,
): Promise<RuntimeClient> {
  const client = await connectRuntime(source, { readyTimeoutMs: DEADLINE_MS, ...options });
  onTestFinished(async () => {
    await client.close();
  });
  return client;
}

/** The error of this code that `promise` rejects with. */
export async function failure<Code extends LashErrorCode>(
  promise: Promise<unknown>,
  code: Code,
): Promise<LashError<Code>> {
  const outcome = await within(
    promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    ),
  );
  if ('error' in outcome && isLashError(outcome.error, code)) return outcome.error;
  throw new Error(`expected ${code}`, { cause: 'error' in outcome ? outcome.error : outcome.value });
}

/** `promise`, or a rejection when it takes longer than a hang may. */
export async function within<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing within ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export const newDatabase = (): string => `worker-test-${crypto.randomUUID()}`;
