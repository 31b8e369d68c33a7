import { moduleLoadFailed } from '../core/error.ts';

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
    throw moduleLoadFailed(module, cause);
  }
}
