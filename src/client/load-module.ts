import { moduleLoadFailed } from '../core/error.ts';

/** What `loading`, the page's dynamic import of `module`, resolves with. @throws `ModuleLoadFailed` */
export function loadModule<T>(module: string, loading: Promise<T>): Promise<T> {
  return loading.catch((cause: unknown) => {
    throw moduleLoadFailed(module, cause);
  });
}
