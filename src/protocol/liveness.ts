/**
 * The worker's sign of life is a Web Lock (law WB2): browsers give no other notice when a worker ends. It is held until
 * the worker is gone, also by `terminate()` or a crash; a worker that merely hangs keeps it.
 */

/** What of `LockManager` is needed here. */
export interface Locks {
  request(
    name: string,
    options: { signal?: AbortSignal },
    callback: () => Promise<void> | void,
  ): Promise<unknown>;
}

/**
 * Holds the lock `name` for good. Resolves with `name` once it is held, or with `null` where there are no Web Locks or
 * the browser refuses them (an insecure or opaque origin): the worker's death then shows only as an `error` event.
 */
export function holdLiveness(locks: Locks | undefined, name: string): Promise<string | null> {
  if (locks === undefined) return Promise.resolve(null);
  return new Promise((resolve) => {
    const forever = (): Promise<void> => {
      resolve(name);
      return new Promise(() => {});
    };
    locks.request(name, {}, forever).catch(() => resolve(null));
  });
}

/**
 * Calls `onDeath` once the holder of the lock `name` is gone, until `signal` aborts.
 *
 * @param onFailure is told when the browser refuses the watch itself.
 */
export function watchLiveness(
  locks: Locks,
  name: string,
  signal: AbortSignal,
  onDeath: () => void,
  onFailure: (error: unknown) => void,
): void {
  locks.request(name, { signal }, onDeath).catch((error: unknown) => {
    if (!signal.aborted) onFailure(error);
  });
}
