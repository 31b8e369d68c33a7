/** What `work` resolves with; rejects with the signal's reason as soon as that aborts, whether or not the work obeys. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Runs `work` under a signal that aborts with `signal`, or after `ms` with what `late` makes. */
export async function within<T>(
  ms: number,
  late: () => Error,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const time = new AbortController();
  const timer = setTimeout(() => time.abort(late()), ms);
  const either = AbortSignal.any([signal, time.signal]);
  try {
    return await orAborted(work(either), either);
  } finally {
    clearTimeout(timer);
  }
}
