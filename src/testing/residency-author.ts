import type { Residency, RuntimeEnvironment } from '../contract/environment.ts';
import type { SessionStore } from '../contract/store.ts';
import type { NodeBody } from '../core/node.ts';
import type { SessionPolicy } from '../core/policy.ts';
import type { ResidencyContext, ResidencyOptions, ResidencySession } from './residency-context.ts';
import { type ScriptedCall, scriptedProvider, scriptedText } from './scripted-provider.ts';

/** The id of every case's session. */
export const SESSION = 'session';

const POLICY: SessionPolicy = { provider: { id: 'scripted', model: 'scripted' } };

/** Options to open the case's session with a model that plays `calls`. */
export function playing(
  calls: readonly ScriptedCall[],
  options: Partial<ResidencyOptions> = {},
): ResidencyOptions {
  const provider = scriptedProvider(calls, { maxContextTokens: 4096 });
  return {
    sessionId: SESSION,
    mode: 'openOrCreate',
    policy: POLICY,
    providers: { scripted: provider },
    ...options,
  };
}

/** A model that gives these answers. */
export function answering(...texts: readonly string[]): ResidencyOptions {
  return playing(texts.map((text) => scriptedText(text)));
}

/** Opens the case's session, made anew if there is none, with a model that gives these answers. */
export async function openSession(
  context: ResidencyContext,
  residency: Residency,
  ...texts: readonly string[]
): Promise<ResidencySession> {
  return await context.open(await context.environment(residency), answering(...texts));
}

/** A node of the host with this many characters. */
export function noteOf(text: string, length = 0): NodeBody {
  return { kind: 'plugin', pluginType: 'note', data: text.padEnd(length, '.') };
}

/** These many notes. */
export function notes(count: number, length = 0): readonly NodeBody[] {
  return Array.from({ length: count }, (_, index) => noteOf(`note ${index}`, length));
}

/** Writes a path of `count` messages straight into the store, as turns would write them, and returns their ids. */
export async function writePath(
  environment: RuntimeEnvironment,
  count: number,
  parentId: string | null = null,
): Promise<readonly string[]> {
  return await withStore(environment, async (store) => {
    const { head } = await store.load({ kind: 'head' });
    const epoch = await store.takeLease();
    const ids: string[] = [];
    let { revision } = head;
    for (let written = 0; written < count; written += 500) {
      const nodes = Array.from({ length: Math.min(500, count - written) }, (_, index) => ({
        createdAt: 1,
        body: messageAt(written + index),
      }));
      const receipt = await store.commit({
        operationId: `path-${revision}`,
        expectedRevision: revision,
        epoch,
        change: { kind: 'append', parentId: ids.at(-1) ?? parentId, nodes },
        usage: [],
      });
      ids.push(...receipt.nodeIds);
      ({ revision } = receipt);
    }
    return ids;
  });
}

/** Questions and answers by turns. */
function messageAt(depth: number): NodeBody {
  const parts = [{ type: 'text', text: `message ${depth}` }] as const;
  return depth % 2 === 0
    ? { kind: 'conversation', message: { role: 'user', parts }, turnIndex: depth / 2 + 1 }
    : { kind: 'conversation', message: { role: 'assistant', parts } };
}

/** Runs `work` on a handle of the case's session. */
export async function withStore<T>(
  { sessionStoreFactory }: RuntimeEnvironment,
  work: (store: SessionStore) => Promise<T>,
): Promise<T> {
  const store = await sessionStoreFactory.open(SESSION, { kind: 'open' });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** The ids of the active path, or of the one that ends at `leaf`. */
export async function pathIds(
  environment: RuntimeEnvironment,
  leaf?: string | null,
): Promise<readonly string[]> {
  return await withStore(environment, async (store) => {
    const { nodes } = await store.load({ kind: 'path', ...(leaf === undefined ? {} : { leaf }) });
    return nodes.map(({ id }) => id);
  });
}
