import type { SessionEvent } from '../../src/core/event.ts';
import type { TurnWait } from '../../src/core/turn-wait.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import type { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { SCRIPT_POLICY, scriptedModel, scriptedTools, type Stage } from './turn-script.ts';

/** The session of the script. */
export const SESSION = 's';

/** The session of the script, opened in one worker. */
export interface OpenScripted {
  readonly runtime: LashRuntime;
  /** What the session told so far. */
  readonly events: readonly SessionEvent[];
  /** Approves what is asked from now on, and what was asked already. */
  readonly approve: () => void;
}

/** Opens the session of the script, or makes it. */
export async function openScripted(
  database: IndexedDbDatabase,
  stage: Stage,
  mode: 'create' | 'open',
  sessionId = SESSION,
): Promise<OpenScripted> {
  const environment = RuntimeEnvironment.builder()
    .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
    .withAttachmentStore(new IndexedDbAttachmentStore(database))
    .build();
  const runtime = await LashRuntime.open(environment, {
    sessionId,
    mode,
    providers: { scripted: scriptedModel(stage) },
    tools: scriptedTools(stage),
    ...(mode === 'create' ? { policy: SCRIPT_POLICY } : {}),
  });
  const events: SessionEvent[] = [];
  const answered = new Set<string>();
  let approves = false;
  const answer = (waits: readonly TurnWait[]): void => {
    for (const wait of waits) {
      if (!approves || wait.kind !== 'approval' || answered.has(wait.requestId)) continue;
      answered.add(wait.requestId);
      // Another tab may have answered, and the turn may be over since.
      runtime.answer(wait.requestId, { approve: true }).catch(() => undefined);
    }
  };
  runtime.subscribe((event) => {
    events.push(event);
    if (event.type === 'turn-waiting') answer(event.waits);
    if (event.type === 'turn-joined') answer(event.turn.waits);
  });
  return {
    runtime,
    events,
    approve: () => {
      approves = true;
      answer(runtime.view().turn?.waits ?? []);
    },
  };
}
