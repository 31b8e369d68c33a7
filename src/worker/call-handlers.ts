import type { RuntimeEnvironment } from '../contract/environment.ts';
import { loadModule } from '../contract/load-module.ts';
import type { SessionStore } from '../contract/store.ts';
import type { SessionTasks } from '../contract/task.ts';
import { LashError } from '../core/error.ts';
import type { CallName, CallRequest, CallResult } from '../protocol/api.ts';
import type { LashRuntime } from '../runtime/runtime.ts';
import type { SecretVault } from '../runtime/secrets.ts';
import type { Maintenance } from './maintenance.ts';
import type { OpenSession } from './open-session.ts';
import type { PageOffers } from './page-offers.ts';
import { present } from './present.ts';
import type { SessionTable } from './session-table.ts';
import type { SessionTransfers } from './session-transfers.ts';

/** What the calls of one connection work on. */
export interface CallResources {
  readonly environment: RuntimeEnvironment;
  readonly sessions: SessionTable;
  readonly offers: PageOffers;
  readonly secrets: SecretVault;
  readonly maintenance: () => Promise<Maintenance>;
  /** The names of the worker's own tools. */
  readonly toolNames: readonly string[];
  /** The ids of the worker's own providers. */
  readonly providerIds: readonly string[];
  /** Something was brought that turns may wait for. */
  readonly brought: () => void;
}

/** One function per call; requests are checked before they come here. */
export type CallHandlers = {
  readonly [Name in CallName]: (request: CallRequest<Name>) => CallResult<Name> | Promise<CallResult<Name>>;
};

/** The calls of one connection. */
export function callHandlers(resources: CallResources): CallHandlers {
  const { environment, sessions, offers, secrets, maintenance, toolNames, providerIds, brought } = resources;
  const runtimeOf = (request: { readonly session: number }): LashRuntime =>
    sessions.get(request.session).runtime;
  const tasksOf = (request: { readonly session: number }): SessionTasks => {
    const { tasks } = runtimeOf(request);
    if (tasks !== null) return tasks;
    const feature = 'background tasks';
    throw new LashError('Unsupported', `The environment has no host for ${feature}`, { feature });
  };
  const attachmentsOf = (request: { readonly session: number }): RuntimeEnvironment['attachmentStore'] => {
    sessions.get(request.session);
    return environment.attachmentStore;
  };
  const sessionOf = (request: { readonly session: number }): OpenSession => sessions.get(request.session);
  const onStore = async <T>(sessionId: string, work: (store: SessionStore) => Promise<T>): Promise<T> =>
    await (await maintenance()).onStore(sessionId, work);
  let made: SessionTransfers | undefined;
  const transfers = async (): Promise<SessionTransfers> => {
    const { SessionTransfers: Transfers } = await loadModule(
      'session-transfers',
      import('./session-transfers.ts'),
    );
    return (made ??= new Transfers(environment, secrets));
  };
  return {
    hello: () => undefined,
    ping: () => undefined,
    openSession: (request) => sessions.open(environment, request),
    closeSession: (request) => sessions.release(request.session),
    listSessions: ({ parent = null, ...page }) => environment.sessionStoreFactory.list({ ...page, parent }),
    renameSession: async ({ sessionId, title }) => {
      const open = sessions.find(sessionId);
      if (open === undefined) await renameStored(environment, sessionId, secrets.redactText(title));
      else await open.runtime.rename(title);
    },
    deleteSession: ({ sessionId }) => sessions.delete(environment, sessionId),
    setCredentials: ({ name, secret }) => {
      secrets.set(name, secret);
      brought();
    },
    offerTools: async (offer) => {
      await offers.offerTools(offer, toolNames);
      brought();
    },
    offerProvider: async ({ id, provider }) => {
      await offers.offerProvider(id, provider, providerIds);
      if (provider !== null) brought();
    },
    modelEvents: (request) => offers.takeModelEvents(request),
    answerTool: ({ call, answer }) => offers.answerTool(call, answer),
    readTrace: async (request) => {
      const { readTrace } = await loadModule('trace-reading', import('./trace-reading.ts'));
      return await readTrace(environment.traceSink, request);
    },
    storage: async () => {
      const { storageReport } = await loadModule('storage-report', import('./storage-report.ts'));
      return await storageReport(environment);
    },
    exportSession: async (request) => (await transfers()).beginExport(request),
    readExport: async ({ transfer }) => (await transfers()).readExport(transfer),
    cancelExport: async ({ transfer }) => (await transfers()).cancelExport(transfer),
    importSession: async (request) => (await transfers()).importSession(request),
    orphanedNodeIds: ({ sessionId, ...page }) => onStore(sessionId, (store) => store.orphanedNodeIds(page)),
    tombstoneNodes: ({ sessionId, nodeIds }) => onStore(sessionId, (store) => store.tombstoneNodes(nodeIds)),
    vacuum: ({ sessionId }) => onStore(sessionId, (store) => store.vacuum()),
    gcUnreachable: ({ sessionId, ...options }) => onStore(sessionId, (store) => store.gcUnreachable(options)),
    inventory: ({ sessionId }) => onStore(sessionId, (store) => store.inventory()),
    runHousekeeping: async ({ keep }) => await (await maintenance()).runHousekeeping(keep),
    resumeSession: (request) => sessions.resume(environment, request),
    pageShown: ({ shown }) => sessions.pageShown(shown),
    disconnect: async () => {
      await offers.close();
      await sessions.closeAll();
    },

    turn: (request) => sessionOf(request).turn(request.turnId, request.input, request.request),
    cancelTurn: (request) => runtimeOf(request).cancelTurn(request.turnId, request.reason),
    pendingTurns: (request) => runtimeOf(request).pendingTurns(),
    answer: (request) => runtimeOf(request).answer(request.requestId, request.decision),
    moveQueued: (request) => runtimeOf(request).queue.move(request.turnId, request.before),
    runAction: ({ session, ...request }) => runtimeOf({ session }).runAction(request),
    resumeTurns: (request) => runtimeOf(request).resumeTurns(),
    listTasks: ({ session, ...filter }) => tasksOf({ session }).list(filter),
    cancelTask: (request) => tasksOf(request).cancel(request.taskId, request.reason),
    branchToNode: (request) => runtimeOf(request).branchToNode(request.nodeId),
    branches: (request) => runtimeOf(request).branches(request.nodeIds),
    getHistoricNode: (request) => runtimeOf(request).getHistoricNode(request.nodeId),
    appendSessionNodes: ({ session, ...request }) => runtimeOf({ session }).appendSessionNodes(request),
    readView: ({ session, ...request }) => runtimeOf({ session }).readView(request),
    setPolicy: (request) => runtimeOf(request).setPolicy(request.patch),
    rename: (request) => runtimeOf(request).rename(request.title),
    usage: (request) => runtimeOf(request).usage(),
    park: (request) => sessions.park(request.session),
    pin: (request) => runtimeOf(request).pin(request.nodeId),
    unpin: (request) => runtimeOf(request).unpin(request.nodeId),
    takeOver: (request) => runtimeOf(request).takeOver({ force: request.force }),
    putAttachment: ({ session, blob, ...meta }) => {
      const { sessionId } = runtimeOf({ session });
      return environment.attachmentStore.put(blob, present(meta), { sessionId });
    },
    getAttachment: (request) => attachmentsOf(request).get(request.attachmentId),
  };
}

/** Renames a session that is not open, without taking its lease. */
async function renameStored(
  { sessionStoreFactory }: RuntimeEnvironment,
  sessionId: string,
  title: string,
): Promise<void> {
  const store = await sessionStoreFactory.open(sessionId, { kind: 'open' });
  try {
    await store.saveSessionMeta({ title, at: Date.now() });
    sessionStoreFactory.leases.publish(sessionId, { kind: 'meta-changed' });
  } finally {
    await store.close();
  }
}
