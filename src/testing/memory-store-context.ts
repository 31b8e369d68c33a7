import { InMemoryAttachmentStore } from '../stores/memory/memory-attachment-store.ts';
import { MemoryDatabase } from '../stores/memory/memory-database.ts';
import { InMemorySessionStoreFactory } from '../stores/memory/memory-session-store-factory.ts';
import type { SessionStoreContext } from './store-context.ts';

/**
 * Sessions in memory as {@link sessionStoreConformance} wants them: a sound store to try cases and mutants on. Without
 * `adopts`, commits know nothing of attachments.
 */
export function memoryStoreContext(options: { readonly adopts?: boolean } = {}): SessionStoreContext {
  const attachments = new InMemoryAttachmentStore();
  const memory = new MemoryDatabase(options.adopts === false ? undefined : attachments);
  return {
    factory: new InMemorySessionStoreFactory({ memory }),
    attachments,
    reopen: async () => new InMemorySessionStoreFactory({ memory }),
    damage: async (kind, sessionId, nodeId) => memory.damage(kind, sessionId, nodeId),
    damageHead: async (sessionId) => memory.damageHead(sessionId),
  };
}
