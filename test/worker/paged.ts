import {
  messageOf,
  messageText,
  type ModelEvent,
  type ModelRequest,
  type PageProvider,
  type SessionClient,
  type SessionPolicy,
  type TokenUsage,
  type TurnWait,
} from 'lash-web';

import { connect, within } from './page.ts';

export const USAGE: TokenUsage = {
  inputTokens: 7,
  outputTokens: 3,
  cachedInputTokens: 2,
  reasoningTokens: 1,
};
export const paged: SessionPolicy = { provider: { id: 'page', model: 'page' } };
export const text = (value: string): ModelEvent => ({ type: 'text-delta', text: value });
export const finish = (reason: 'stop' | 'tool-calls' = 'stop'): ModelEvent => ({
  type: 'finish',
  reason,
  usage: USAGE,
});

/** A provider that answers each request with what `answer` yields. */
export function provider(answer: (request: ModelRequest, signal: AbortSignal) => unknown): PageProvider {
  return { model: 'on-page', maxContextTokens: 100_000, stream: answer as PageProvider['stream'] };
}

export async function* yields(...events: readonly unknown[]): AsyncGenerator {
  for (const event of events) {
    await Promise.resolve();
    yield event;
  }
}

export const saying = (...pieces: readonly string[]): PageProvider =>
  provider(() => yields(...pieces.map(text), finish()));

/** A provider that writes what the test dictates. */
export function dictated(): {
  readonly provider: PageProvider;
  readonly say: (event: ModelEvent) => void;
  readonly called: Promise<AbortSignal>;
} {
  const called = Promise.withResolvers<AbortSignal>();
  const stream = new TransformStream<ModelEvent, ModelEvent>();
  const writer = stream.writable.getWriter();
  return {
    provider: provider(async function* (_request, signal) {
      called.resolve(signal);
      const reader = stream.readable.getReader();
      for (;;) yield (await reader.read()).value;
    }),
    say: (event) => void writer.write(event),
    called: called.promise,
  };
}

export async function sessionWith(offered: PageProvider): Promise<SessionClient> {
  const client = await connect();
  await client.offerProvider('page', offered);
  return await client.createSession({ policy: paged });
}

export const answerOf = (session: SessionClient): string => {
  const node = session.getSnapshot().window.nodes.findLast((found) => messageOf(found, 'assistant'));
  const message = node === undefined ? undefined : messageOf(node, 'assistant');
  return message === undefined ? '' : messageText(message);
};

/** Resolves once the session shows what `check` looks for. */
export function shows(session: SessionClient, check: () => boolean): Promise<void> {
  return within(
    new Promise((resolve) => {
      const look = (): void => {
        if (!check()) return;
        stop();
        resolve();
      };
      const stop = session.subscribe(look);
      look();
    }),
  );
}

export const waits = async (session: SessionClient): Promise<readonly TurnWait[]> => {
  await shows(session, () => (session.getSnapshot().turn?.waits.length ?? 0) > 0);
  return session.getSnapshot().turn?.waits ?? [];
};
