import { connectRuntime, type SessionClient, type TurnResult } from 'lash-web';

/** What a test sees and does by the DevTools protocol. */
interface Probe {
  /** Per `pageshow`, whether the page came out of the back-forward cache. */
  readonly shown: boolean[];
  readonly lost: string[];
  readonly ready: Promise<SessionClient>;
  turn: { readonly result: Promise<TurnResult> } | undefined;
  kill(): void;
}

const worker = new Worker(new URL('./runtime.worker.ts', import.meta.url), { type: 'module' });
const lost: string[] = [];

async function open(): Promise<SessionClient> {
  const client = await connectRuntime(worker, {
    readyTimeoutMs: 60_000,
    config: { database: 'back-forward' },
  });
  client.onLost(({ code }) => lost.push(code));
  return await client.createSession({ policy: { provider: { id: 'fake', model: 'fake' } } });
}

const probe: Probe = { shown: [], lost, ready: open(), turn: undefined, kill: () => worker.terminate() };
addEventListener('pageshow', ({ persisted }) => probe.shown.push(persisted));
Object.assign(globalThis, { probe });
