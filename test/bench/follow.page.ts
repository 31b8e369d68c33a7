import { connectRuntime, type SessionClient } from 'lash-web';

import { says } from './content.ts';

/** One of two tabs on one session: it runs turns, or follows them. Times are Unix milliseconds, which tabs share. */
const SESSION = 'followed';
const PER_APPEND = 100;

let worker: Worker | undefined;
let session: SessionClient | undefined;

/** What a tab saw of a turn that another one runs. */
export interface Followed {
  readonly startedAt: number;
  /** How many rows its worker read from before the turn began: until its start showed, while text streamed, in all. */
  readonly untilStart: number;
  readonly forText: number;
  readonly inAll: number;
}

function opened(): SessionClient {
  if (session === undefined) throw new Error('not opened');
  return session;
}

async function rowsRead(): Promise<number> {
  return await new Promise((resolve) => {
    const hear = ({ data }: MessageEvent<{ readonly rowsRead?: number }>): void => {
      if (data.rowsRead === undefined) return;
      worker?.removeEventListener('message', hear);
      resolve(data.rowsRead);
    };
    worker?.addEventListener('message', hear);
    worker?.postMessage('rows read?');
  });
}

/** Resolves once the view is so, with when that was. */
async function whenShown(isSo: () => boolean): Promise<number> {
  return await new Promise((resolve) => {
    const stop = opened().subscribe(() => {
      if (!isSo()) return;
      stop();
      resolve(Date.now());
    });
  });
}

const calls = {
  /** Opens the session, or makes it with so many messages. */
  open: async (messages: number): Promise<void> => {
    const client = await connectRuntime(() => {
      worker = new Worker(new URL('follow.worker.ts', import.meta.url), { type: 'module' });
      return worker;
    });
    const policy = { provider: { id: 'bench', model: 'bench' } };
    session =
      messages === 0
        ? await client.openSession(SESSION)
        : await client.createSession({ id: SESSION, policy });
    for (let from = 0; from < messages; from += PER_APPEND) {
      const nodes = Array.from({ length: PER_APPEND }, (_, index) => {
        const { body } = says(index % 2 === 0 ? 'user' : 'assistant', 400, from + index);
        return body;
      });
      await session.appendSessionNodes({ nodes });
    }
  },
  /** Runs a turn; resolves with when it was asked for and when it showed here. */
  run: async (): Promise<{ readonly askedAt: number; readonly shownAt: number }> => {
    const askedAt = Date.now();
    const shown = whenShown(() => opened().getSnapshot().turn !== null);
    const { status } = await opened().turn('go on').result;
    if (status !== 'completed') throw new Error(`the turn is ${status}`);
    return { askedAt, shownAt: await shown };
  },
  /** Follows the next turn of the other tab to its end. */
  follow: async (): Promise<Followed> => {
    const view = (): ReturnType<SessionClient['getSnapshot']> => opened().getSnapshot();
    const before = await rowsRead();
    const { depth } = view().head;
    const started = whenShown(() => view().turn !== null);
    const text = whenShown(() => (view().turn?.text ?? '') !== '');
    const whole = whenShown(() => view().turn?.text.length === 400);
    const over = whenShown(() => view().turn === null && view().head.depth === depth + 2);
    const startedAt = await started;
    await text;
    const atText = await rowsRead();
    await whole;
    const atWhole = await rowsRead();
    await over;
    return {
      startedAt,
      untilStart: atText - before,
      forText: atWhole - atText,
      inAll: (await rowsRead()) - before,
    };
  },
};

export type FollowCalls = typeof calls;

Object.assign(globalThis, {
  call: async (name: keyof FollowCalls, ...args: never[]): Promise<unknown> =>
    await (calls[name] as (...args: never[]) => unknown)(...args),
});
