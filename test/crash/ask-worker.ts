import type { Page } from 'playwright';

/** A call of a page's worker. */
export interface Call {
  readonly name: string;
  readonly args: readonly unknown[];
  /** Whether the worker ends as soon as it has answered. */
  readonly terminates: boolean;
}

/** How long a worker may take before it counts as hanging. */
const DEADLINE_MS = 60_000;

/** Asks the page's worker. */
export async function askWorker<T>(page: Page, { name, args, terminates }: Call): Promise<T> {
  const list = args.map((arg) => JSON.stringify(arg)).join(', ');
  const then = `(value) => { ${terminates ? 'worker.terminate();' : ''} return value; }`;
  const asked = page.evaluate<T>(`call('${name}', ${list}).then(${then})`);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${name}: no answer in ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

export async function removeDatabase(page: Page, name: string): Promise<void> {
  await page.evaluate(
    (database) =>
      new Promise<void>((resolve, reject) => {
        const request = indexedDB.deleteDatabase(database);
        request.addEventListener('success', () => resolve());
        request.addEventListener('error', () => reject(request.error ?? new Error('not deleted')));
      }),
    name,
  );
}
