import type { TurnWait } from '../../core/turn-wait.ts';
import type { SessionParts } from '../model/model-caller.ts';
import { hasProvider } from '../model/resolve-provider.ts';

type Here = Pick<SessionParts, 'secrets' | 'providers' | 'tools' | 'clock' | 'online'>;

/** How often the network is looked for, in milliseconds: not every platform tells that it is there. */
const LOOK_MS = 2000;

/** Whether what a turn waits for is there, in this runtime. `signals` are the ids of those that it was given. */
export function isBrought(wait: TurnWait, signals: ReadonlySet<string>, here: Here): boolean {
  if (signals.has('cancel')) return true;
  switch (wait.kind) {
    case 'approval':
      return signals.has(wait.requestId.slice(wait.requestId.lastIndexOf('/') + 1));
    case 'page-tool':
      return here.tools().some(({ name }) => name === wait.tool);
    case 'provider':
      return hasProvider(here.providers(), wait.provider);
    case 'credentials':
      return here.secrets.has(wait.name);
    case 'offline':
      return here.online();
    case 'rate-limit':
      return here.clock.now() >= wait.until;
    case 'storage':
      return true;
  }
}

/**
 * Resolves when one of them is there that comes by itself: a time, or the network. Never resolves where all of them are
 * for somebody to bring; rejects when `signal` aborts.
 */
export async function whenBrought(
  waits: readonly TurnWait[],
  { clock, online }: Here,
  signal: AbortSignal,
): Promise<void> {
  const until = Math.min(...waits.map((wait) => (wait.kind === 'rate-limit' ? wait.until : Infinity)));
  const isOffline = waits.some(({ kind }) => kind === 'offline');
  if (!isOffline && until === Infinity) return await new Promise(() => undefined);
  for (;;) {
    const left = until - clock.now();
    if (left <= 0 || (isOffline && online())) return;
    await clock.sleep(isOffline ? Math.min(left, LOOK_MS) : left, signal);
  }
}
