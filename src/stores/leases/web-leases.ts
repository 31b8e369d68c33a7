import type { SessionLease, SessionLeases, SessionNotice } from '../../contract/lease.ts';
import { LocalSessionLeases } from './local-leases.ts';

type Listener = (notice: SessionNotice) => void;

interface OpenChannel {
  readonly channel: BroadcastChannel;
  readonly listeners: Set<Listener>;
}

/**
 * Leases and notices among all tabs that use one database: Web Locks, which the browser takes back when a worker ends,
 * and BroadcastChannel. Where the platform lacks one of them (a page that is not secure, Node), its part reaches as far
 * as this object.
 */
export class WebSessionLeases implements SessionLeases {
  readonly #database: string;
  readonly #local = new LocalSessionLeases();
  readonly #channels = new Map<string, OpenChannel>();

  constructor(database: string) {
    this.#database = database;
  }

  async acquire(sessionId: string, options: { readonly force?: boolean } = {}): Promise<SessionLease | null> {
    const locks = lockManager();
    if (locks === undefined) return await this.#local.acquire(sessionId, options);
    const lost = new AbortController();
    return await new Promise((resolve, reject) => {
      const request: LockOptions = options.force === true ? { steal: true } : { ifAvailable: true };
      const held = locks.request(this.#name(sessionId), request, (lock) => {
        if (lock === null) return resolve(null);
        return new Promise<void>((giveUp) => {
          const release = (): Promise<void> => {
            giveUp();
            return ended;
          };
          resolve({ lost: lost.signal, release });
        });
      });
      // Before the lock was granted a rejection says that there is none to be had; after that, that it was stolen.
      held.catch(reject);
      const ended = held.catch(() => lost.abort());
    });
  }

  async isHeld(sessionId: string): Promise<boolean> {
    const locks = lockManager();
    if (locks === undefined) return await this.#local.isHeld(sessionId);
    const { held = [] } = await locks.query();
    return held.some(({ name }) => name === this.#name(sessionId));
  }

  publish(sessionId: string, notice: SessionNotice, except?: Listener): void {
    this.#local.publish(sessionId, notice, except);
    const open = this.#channels.get(sessionId);
    if (open !== undefined) return open.channel.postMessage(notice);
    const channel = this.#open(sessionId);
    channel?.postMessage(notice);
    channel?.close();
  }

  subscribe(sessionId: string, listener: Listener): () => void {
    const stop = this.#local.subscribe(sessionId, listener);
    const open = this.#channels.get(sessionId) ?? this.#listen(sessionId);
    open?.listeners.add(listener);
    return () => {
      stop();
      if (open === undefined) return;
      open.listeners.delete(listener);
      if (open.listeners.size > 0 || this.#channels.get(sessionId) !== open) return;
      open.channel.close();
      this.#channels.delete(sessionId);
    };
  }

  #listen(sessionId: string): OpenChannel | undefined {
    const channel = this.#open(sessionId);
    if (channel === undefined) return undefined;
    channel.onmessage = ({ data }: MessageEvent<SessionNotice>) => this.#local.publish(sessionId, data);
    const open = { channel, listeners: new Set<Listener>() };
    this.#channels.set(sessionId, open);
    return open;
  }

  #open(sessionId: string): BroadcastChannel | undefined {
    return typeof BroadcastChannel === 'function' ? new BroadcastChannel(this.#name(sessionId)) : undefined;
  }

  /** Database and session as JSON, so that no two pairs have one name. */
  #name(sessionId: string): string {
    return `lash-web ${JSON.stringify([this.#database, sessionId])}`;
  }
}

/** The lock manager; absent outside of secure contexts, whatever the types say. */
function lockManager(): LockManager | undefined {
  return typeof navigator === 'object' ? (navigator as { locks?: LockManager }).locks : undefined;
}
