import type { RuntimeEnvironment } from '../contract/environment.ts';
import type { SessionSnapshot, SessionStoreFactory } from '../contract/store.ts';
import { equal, ok } from './assert.ts';
import type { ResidencySession } from './residency-context.ts';
import { observed, standIn } from './stand-in.ts';

/** What was in memory at one moment. */
interface Sample {
  readonly leaf: string | null;
  readonly ids: readonly string[];
}

/**
 * Looks at what a session holds whenever it calls its store, whenever an answer comes, and at every event; and counts
 * the nodes that are read (law RE2).
 */
export class ResidencyWatch {
  /** How often it looked. */
  looks = 0;
  /** How many nodes loads have returned. */
  nodesRead = 0;
  readonly #maxBytes: number;
  readonly #samples = new Map<string, Sample>();
  readonly #faults: string[] = [];
  #session: ResidencySession | null = null;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** `environment`, watched. */
  environment(environment: RuntimeEnvironment): RuntimeEnvironment {
    const origin = environment.sessionStoreFactory;
    const open: SessionStoreFactory['open'] = async (sessionId, mode) =>
      observed(await origin.open(sessionId, mode), (method, result) => {
        if (method === 'load' && result !== undefined)
          this.nodesRead += (result as SessionSnapshot).nodes.length;
        this.#look(method);
      });
    return { ...environment, sessionStoreFactory: standIn(origin, { open }) };
  }

  /** Watches an open session from now on. */
  session(session: ResidencySession): ResidencySession {
    this.#session = session;
    session.subscribe((event) => this.#look(event.type));
    this.#look('open');
    return session;
  }

  /** Goes through what was seen so far. @throws `Error` if anything was in memory at any time that should not have been */
  async verify(factory: SessionStoreFactory, sessionId: string): Promise<void> {
    equal(this.#faults.slice(0, 3), [], 'what was in memory');
    const store = await factory.open(sessionId, { kind: 'open' });
    for (const { leaf, ids } of this.#samples.values()) {
      const { nodes } = await store.load({ kind: 'path', leaf, limit: Math.max(1, ids.length) });
      const newest = nodes.map(({ id }) => id).slice(nodes.length - ids.length);
      equal(ids, newest, `in memory while the leaf was ${String(leaf)}`);
    }
    await store.close();
    this.#samples.clear();
  }

  #look(where: string): void {
    const session = this.#session;
    if (session === null) return;
    this.looks++;
    const { head, window } = session.view();
    const ids = session.residentNodeIds();
    const known = new Set(ids);
    this.#check(session.residentBytes <= this.#maxBytes, `${where}: ${session.residentBytes} bytes`);
    this.#check(session.residentNodes === ids.length, `${where}: ${session.residentNodes} nodes`);
    const shown = window.nodes.every(({ id }) => known.has(id));
    this.#check(shown, `${where}: the view holds a node that is not among those in memory`);
    this.#samples.set(`${String(head.leaf)} ${ids.length}`, { leaf: head.leaf, ids });
  }

  #check(holds: boolean, fault: string): void {
    if (!holds) this.#faults.push(fault);
  }
}

/** Fails a case that looked at nothing. */
export function checkLooks(watch: ResidencyWatch, atLeast: number): void {
  ok(watch.looks >= atLeast, `looked ${watch.looks} times only`);
}
