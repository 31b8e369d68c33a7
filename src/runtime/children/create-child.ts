import type { ChildStart } from '../../contract/child-sessions.ts';
import type { SessionStore } from '../../contract/store.ts';
import type { JsonValue } from '../../core/json.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import type { SessionParent } from '../../core/session-parent.ts';
import type { TurnInput } from '../../core/turn-input.ts';
import { checkAsk, checkImages, hashOf } from '../turn/turn-plan.ts';
import type { ChildCall } from './child-call.ts';
import type { ParentSession } from './parent-session.ts';
import { copyPath } from './path-copy.ts';

/** A session that is to be made. */
export interface NewChild {
  readonly sessionId: string;
  readonly title: string;
  readonly policy: SessionPolicy;
  readonly parent: SessionParent;
  readonly start: ChildStart;
  /** What waits in its queue from the beginning. */
  readonly firstInput?: TurnInput;
}

/** The turn that a session's first input is to begin. */
export const FIRST_TURN = 'first';

/**
 * Makes a session, whole or not at all: nobody sees it before it has its path and its first input.
 *
 * @throws `SessionExists`, `SessionDeleted` where its id is used up, `NodeNotFound`, `SessionNotFound` where it is to start
 */
export async function createChild(parent: ParentSession, call: ChildCall, child: NewChild): Promise<void> {
  const { sessionStoreFactory: factory } = parent.environment;
  const { sessionId, policy, parent: whose, start, firstInput } = child;
  const title = parent.secrets.redactText(child.title);
  const mode = { kind: 'create' as const, title, policy, at: parent.clock.now(), parent: whose };
  if (start.kind === 'empty' && firstInput === undefined) {
    const store = await factory.open(sessionId, mode);
    await store.close();
    return;
  }
  const made = await factory.beginImport(sessionId, mode);
  try {
    const leaf = await startPath(parent, call, start, made.store);
    if (firstInput !== undefined) {
      await checkImages(checkAsk(firstInput, {}), parent.attachments);
      await acceptFirst(parent, made.store, firstInput);
    }
    await made.publish(leaf);
  } catch (error) {
    await made.abandon();
    throw error;
  }
}

/**
 * Puts a session's first input into its queue, unless it was accepted before.
 *
 * @throws `InvalidInput`, `NotData`, `OperationConflict` where another one was
 */
export async function acceptFirst(
  { secrets, clock }: ParentSession,
  { turns }: SessionStore,
  input: TurnInput,
): Promise<void> {
  const ask = secrets.redactJson(checkAsk(input, {}));
  const hash = await hashOf(ask);
  await turns.accept({ turnId: FIRST_TURN, hash, request: ask as unknown as JsonValue, at: clock.now() });
}

/** Copies what the session starts with, and resolves with its leaf. */
async function startPath(
  { environment, meta, attachments }: ParentSession,
  call: ChildCall,
  start: ChildStart,
  to: SessionStore,
): Promise<string | null> {
  if (start.kind === 'empty') return null;
  const { sessionStoreFactory: factory } = environment;
  const sessionId = start.kind === 'session' ? start.sessionId : meta.sessionId;
  const from = await factory.open(sessionId, { kind: 'open' });
  try {
    const leaf = start.kind === 'session' ? undefined : (start.nodeId ?? call.leaf);
    return await copyPath({ from, to, attachments, budget: factory.commitBudget }, leaf);
  } finally {
    await from.close();
  }
}
