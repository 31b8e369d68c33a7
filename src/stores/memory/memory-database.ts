import { loadModule } from '../../contract/load-module.ts';
import { LocalSessionLeases } from '../leases/local-leases.ts';
import type { InMemoryAttachmentStore } from './memory-attachment-store.ts';
import type { NodeDamage } from './memory-graph.ts';
import type { MemorySessions } from './memory-sessions.ts';

/**
 * What factories in memory share: sessions, the attachments that these refer to, and leases. The code of the sessions is
 * loaded with the first one, since a worker that stores its own in IndexedDB never needs it.
 */
export class MemoryDatabase {
  readonly databaseId: string = crypto.randomUUID();
  readonly leases: LocalSessionLeases = new LocalSessionLeases();
  readonly #attachments: InMemoryAttachmentStore | undefined;
  #sessions: MemorySessions | undefined;

  /** Without `attachments`, what nodes refer to is neither checked nor kept. */
  constructor(attachments?: InMemoryAttachmentStore) {
    this.#attachments = attachments;
    attachments?.link((sessionId) => this.#sessions?.epochOf(sessionId));
  }

  async sessions(): Promise<MemorySessions> {
    const [{ MemorySessions: Sessions }, attachments] = await Promise.all([
      loadModule('memory-sessions', import('./memory-sessions.ts')),
      this.#attachments?.attachments(),
    ]);
    this.#sessions ??= new Sessions(attachments);
    return this.#sessions;
  }

  /** Breaks a session's head, for tests of what a reader makes of it. @throws `SessionNotFound` */
  async damageHead(sessionId: string): Promise<void> {
    (await this.sessions()).damageHead(sessionId);
  }

  /** Breaks a stored node, for tests of what a reader makes of it. @throws `SessionNotFound`, `NodeNotFound` */
  async damage(kind: NodeDamage, sessionId: string, nodeId: string): Promise<void> {
    (await this.sessions()).damage(kind, sessionId, nodeId);
  }
}
