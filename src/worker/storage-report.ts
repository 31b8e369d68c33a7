import type { RuntimeEnvironment } from '../contract/environment.ts';
import type { StorageReport } from '../protocol/api.ts';

/** What the environment stores, and what the browser says about the origin. Reads a row per session and no node. */
export async function storageReport({
  sessionStoreFactory,
  attachmentStore,
}: RuntimeEnvironment): Promise<StorageReport> {
  let sessionBytes = 0;
  let after: string | undefined;
  do {
    const page = await sessionStoreFactory.list({ limit: 500, ...(after === undefined ? {} : { after }) });
    for (const { bytes } of page.items) sessionBytes += bytes;
    after = page.next ?? undefined;
  } while (after !== undefined);
  const origin = await originReport();
  const { persisted } = origin;
  const evictable = persisted === undefined ? 'unknown' : persisted ? 'nothing' : 'everything';
  return { sessionBytes, attachmentBytes: await attachmentStore.totalBytes(), ...origin, evictable };
}

async function originReport(): Promise<Pick<StorageReport, 'originUsage' | 'originQuota' | 'persisted'>> {
  // Not every engine has it in a worker, and none in an insecure context.
  const storage = navigator.storage as Partial<StorageManager> | undefined;
  const { usage, quota } = (await storage?.estimate?.()) ?? {};
  const persisted = await storage?.persisted?.();
  return {
    ...(usage === undefined ? {} : { originUsage: usage }),
    ...(quota === undefined ? {} : { originQuota: quota }),
    ...(persisted === undefined ? {} : { persisted }),
  };
}
