import type { RuntimeEnvironment } from '../contract/environment.ts';
import { deleteOptions } from './delete-options.ts';

/**
 * Deletes a session for good, and before it the children that worked for it, with theirs (rule CH5): what is interrupted is
 * done by deleting it again.
 *
 * @throws what deleting throws
 */
export async function deleteSessions(environment: RuntimeEnvironment, sessionId: string): Promise<void> {
  const { sessionStoreFactory: factory } = environment;
  await deleteChildren(environment, sessionId);
  await factory.delete(sessionId, deleteOptions(environment));
  // A turn of it may have made one more meanwhile; from here on none is.
  await deleteChildren(environment, sessionId);
  factory.leases.publish(sessionId, { kind: 'deleted' });
}

async function deleteChildren(environment: RuntimeEnvironment, parent: string): Promise<void> {
  for (const child of await childrenOf(environment, parent)) await deleteSessions(environment, child);
}

async function childrenOf(
  { sessionStoreFactory }: RuntimeEnvironment,
  parent: string,
): Promise<readonly string[]> {
  const children: string[] = [];
  let after: string | undefined;
  do {
    const page = await sessionStoreFactory.list({ parent, ...(after === undefined ? {} : { after }) });
    const working = page.items.filter((item) => item.parent?.relation === 'child');
    children.push(...working.map(({ sessionId }) => sessionId));
    after = page.next ?? undefined;
  } while (after !== undefined);
  return children;
}
