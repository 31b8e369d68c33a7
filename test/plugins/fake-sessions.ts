import type { ChildRequest, ChildSessions } from '../../src/contract/child-sessions.ts';
import { LashError, toWireError } from '../../src/core/error.ts';
import type { SessionSummary } from '../../src/core/policy.ts';
import { NO_USAGE } from '../../src/core/usage.ts';

/** What a child answers: text, or nothing, since its turn failed. */
export type ChildAnswer = string | Error;

/** Child sessions that answer as they are told, and keep what they were asked. */
export interface FakeSessions extends ChildSessions {
  readonly requests: readonly ChildRequest[];
  readonly asked: readonly string[];
  /** The ids of those that were not deleted. */
  readonly kept: ReadonlySet<string>;
}

export function fakeSessions(answer: (asked: string, index: number) => ChildAnswer): FakeSessions {
  const requests: ChildRequest[] = [];
  const asked: string[] = [];
  const kept = new Set<string>();
  const requestOf = (sessionId: string): ChildRequest | undefined =>
    requests.find((_, index) => idOf(index + 1) === sessionId);
  return {
    requests,
    asked,
    kept,
    open: async (request) => {
      const sessionId = idOf(requests.push(request));
      kept.add(sessionId);
      return await Promise.resolve({
        sessionId,
        turn: async (input) => {
          const question = typeof input === 'string' ? input : JSON.stringify(input);
          const text = answer(question, asked.push(question) - 1);
          const failed = text instanceof Error;
          return await Promise.resolve({
            status: failed ? 'failed' : 'completed',
            reason: failed ? 'provider_error' : 'assistant_message',
            ...(failed ? { error: toWireError(new LashError('ProviderUnavailable', text.message, {})) } : {}),
            leaf: null,
            usage: NO_USAGE,
            text: failed ? '' : text,
            spent: [],
          });
        },
        close: async () => await Promise.resolve(),
        delete: async () => {
          kept.delete(sessionId);
          await Promise.resolve();
        },
      });
    },
    handOff: async () => await Promise.reject(new Error('nobody hands off here')),
    delete: async (sessionId) => {
      kept.delete(sessionId);
      await Promise.resolve();
    },
    // A page holds one of them.
    list: async ({ after } = {}) => {
      const ids = [...kept];
      const at = after === undefined ? 0 : ids.indexOf(after) + 1;
      const items = ids.slice(at, at + 1).map((sessionId) => summaryOf(sessionId, requestOf(sessionId)));
      const next = at + 1 < ids.length ? (ids[at] ?? null) : null;
      return await Promise.resolve({ items, next });
    },
  };
}

function idOf(number: number): string {
  return `child-${number}`;
}

function summaryOf(
  sessionId: string,
  { title = '', source = 'child' }: Partial<ChildRequest> = {},
): SessionSummary {
  const parent = { sessionId: 's', relation: 'child', source, depth: 1 } as const;
  return { sessionId, title, createdAt: 0, updatedAt: 0, nodeCount: 0, bytes: 0, parent };
}
