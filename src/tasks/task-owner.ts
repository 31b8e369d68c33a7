import type { SessionLease, SessionLeases } from '../contract/lease.ts';

/**
 * Who runs tasks: a name, and a lease of that name, which ends with the worker. So every tab can see whether whoever runs a task
 * is still there.
 */
export class TaskOwner {
  readonly id: string;
  readonly #leases: SessionLeases;
  #lease: Promise<SessionLease | null> | null = null;
  #isOver = false;

  constructor(id: string, leases: SessionLeases) {
    this.id = id;
    this.#leases = leases;
  }

  /** Becomes visible to others. A task names its owner only after that. Once it was released it does nothing. */
  async hold(): Promise<void> {
    // No task can name it any more: its store was closed before.
    if (this.#isOver) return;
    this.#lease ??= this.#leases.acquire(leaseOf(this.id)).catch((error: unknown) => {
      // The next one asks again.
      this.#lease = null;
      throw error;
    });
    await this.#lease;
  }

  /** Is not there any more, for good. */
  async release(): Promise<void> {
    this.#isOver = true;
    const lease = await this.#lease?.catch(() => null);
    await lease?.release();
  }
}

/** Whether the owner of this name is there, in whichever tab. */
export async function isOwnerThere(leases: SessionLeases, owner: string): Promise<boolean> {
  return await leases.isHeld(leaseOf(owner));
}

/** No session is called so. */
function leaseOf(owner: string): string {
  return `#tasks/${owner}`;
}
