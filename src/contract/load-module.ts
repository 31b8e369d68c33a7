import { LashError } from '../core/error.ts';

/**
 * What `loading`, the dynamic import of `module`, resolves with. Most browsers fetch a module anew when it is asked for
 * again; some keep the failure for as long as the worker lives.
 *
 * @throws `ModuleLoadFailed`
 */
export async function loadModule<T>(module: string, loading: Promise<T>): Promise<T> {
  try {
    return await loading;
  } catch (cause) {
    const message = `The module ${module} could not be loaded: this page is offline, or a deployment removed the file. Try again; if that is of no use, in a new worker.`;
    throw new LashError('ModuleLoadFailed', message, { module }, { cause, retryable: true });
  }
}
