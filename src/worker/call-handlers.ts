import type { RuntimeEnvironment } from '../contract/environment.ts';
import { LashError } from '../core/error.ts';
import type { CallName, CallRequest, CallResult } from '../protocol/api.ts';
import type { LashRuntime } from '../runtime/runtime.ts';
import type { SecretVault } from '../runtime/secrets.ts';
import type { OpenSession } from './open-session.ts';
import type { PageTools } from './page-tools.ts';
import type { SessionTable } from './session-table.ts';
import { storageReport } from './storage-report.ts';
import { readTrace } from './trace-reading.ts';

/** What the calls of one connection work on. */
export interface CallResources {
  readonly environment: RuntimeEnvironment;
  readonly sessions: SessionTable;
  readonly pageTools: PageTools;
  readonly secrets: SecretVault;
  /** The names of the worker's own tools. */
  readonly toolNames: readonly string[];
}

/** One function per call; requests are checked before they come here. */
export type CallHandlers = {
  readonly [Name in CallName]: (request: CallRequest<Name>) => CallResult<Name> | Promise<CallResult<Name>>;
};

/** The calls of one connection. */
export function callHandlers(resources: CallResources): CallHandlers {
  const { environment, sessions, pageTools, secrets, toolNames } = resources;
  const runtimeOf = (request: { readonly session: number }): LashRuntime =>
    sessions.get(request.session).runtime;
  const attachmentsOf = (request: { readonly session: number }): RuntimeEnvironment['attachmentStore'] => {
    sessions.get(request.session);
    return environment.attachmentStore;
  };
  const sessionOf = (request: { readonly session: number }): OpenSession => sessions.get(request.session);
  return {
    hello: () => undefined,
    openSession: (request) => sessions.open(environment, request),
    closeSession: (request) => sessions.release(request.session),
    listSessions: (request) => environment.sessionStoreFactory.list(request),
    renameSession: async ({ sessionId, title }) => {
      const open = sessions.find(sessionId);
      if (open === undefined) await renameStored(environment, sessionId, secrets.redactText(title));
      else await open.runtime.rename(title);
    },
    deleteSession: ({ sessionId }) => sessions.delete(environment, sessionId),
    setCredentials: ({ name, secret }) => secrets.set(name, secret),
    offerTools: ({ tools }) => pageTools.offer(tools, toolNames),
    answerTool: ({ call, answer }) => pageTools.answer(call, answer),
    readTrace: (request) => readTrace(environment.traceSink, request),
    storage: () => storageReport(environment),
    disconnect: () => sessions.closeAll(),

    turn: (request) => sessionOf(request).turn(request.turnId, request.input, request.request),
    cancelTurn: (request) => sessionOf(request).cancel(request.turnId, request.reason),
    branchToNode: (request) => runtimeOf(request).branchToNode(request.nodeId),
    branches: (request) => runtimeOf(request).branches(request.nodeIds),
    getHistoricNode: (request) => runtimeOf(request).getHistoricNode(request.nodeId),
    appendSessionNodes: ({ session, ...request }) => runtimeOf({ session }).appendSessionNodes(request),
    readView: ({ session, ...request }) => runtimeOf({ session }).readView(request),
    setPolicy: (request) => runtimeOf(request).setPolicy(request.patch),
    rename: (request) => runtimeOf(request).rename(request.title),
    usage: (request) => runtimeOf(request).usage(),
    putAttachment: (request) => {
      const { blob, ...meta } = request.upload;
      return attachmentsOf(request).put(blob, meta);
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
  } finally {
    await store.close();
  }
}

/** The error for a feature that this version has no engine for. */
export function unsupported(feature: string): LashError {
  return new LashError('Unsupported', `This version of the runtime has no engine for ${feature}`, {
    feature,
  });
}
