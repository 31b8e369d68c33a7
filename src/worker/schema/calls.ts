import * as z from 'zod/mini';

import type { CallName, CallRequest } from '../../protocol/api.ts';
import {
  count,
  filled,
  filledList,
  id,
  json,
  jsonObject,
  natural,
  type Schema,
  schemaFor,
  title,
} from './basic.ts';
import { attachment, turnInput } from './content.ts';
import { policy, policyPatch, promptLayer } from './policy.ts';

const session = count;
const nothing = z.null();

const toolSpec = z.strictObject({
  name: filled,
  description: z.string(),
  inputSchema: jsonObject,
  replay: z.optional(z.enum(['safe', 'never'])),
  mode: z.optional(z.enum(['parallel', 'serial'])),
  timeoutMs: z.optional(count),
  approval: z.optional(z.boolean()),
});

const failed = z.strictObject({
  ok: z.literal(false),
  error: z.looseObject({ lash: z.literal(1), code: filled, message: z.string() }),
});

const toolAnswer = z.discriminatedUnion('ok', [
  z.strictObject({
    ok: z.literal(true),
    value: z.strictObject({ value: json, attachments: z.optional(z.array(attachment)) }),
  }),
  failed,
]);

const streamEnd = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), value: z.null() }),
  failed,
]);

const decision = z.discriminatedUnion('approve', [
  z.strictObject({ approve: z.literal(true) }),
  z.strictObject({ approve: z.literal(false), reason: z.optional(z.string()) }),
]);

const blob = z.custom<Blob>((value) => value instanceof Blob, 'must be a Blob');

const damaged = z.optional(z.enum(['refuse', 'showSound']));

/**
 * What each call may be given. Keys that are not named here are refused, so that a misspelt option is an error and not
 * silence.
 */
export const CALL_SCHEMAS: { readonly [Name in CallName]: Schema<CallRequest<Name>> } = {
  hello: nothing,
  ping: nothing,
  openSession: schemaFor(
    z.strictObject({
      sessionId: z.optional(id),
      mode: z.enum(['create', 'open', 'openOrCreate', 'readOnly']),
      title: z.optional(title),
      policy: z.optional(policy),
      damaged,
      unfinishedTurns: z.optional(z.enum(['go-on', 'ask'])),
    }),
  ),
  closeSession: z.strictObject({ session }),
  listSessions: schemaFor(
    z.strictObject({ after: z.optional(z.string()), limit: z.optional(count), parent: z.optional(id) }),
  ),
  renameSession: z.strictObject({ sessionId: id, title }),
  deleteSession: z.strictObject({ sessionId: id }),
  setCredentials: z.strictObject({ name: filled, secret: filled }),
  offerTools: schemaFor(z.strictObject({ offer: count, tools: z.array(toolSpec) })),
  answerTool: schemaFor(z.strictObject({ call: count, answer: toolAnswer })),
  offerProvider: schemaFor(
    z.strictObject({
      id: filled,
      provider: z.nullable(z.strictObject({ model: filled, maxContextTokens: z.optional(count) })),
    }),
  ),
  // What the events are is for whoever waits for them to say: the page's call did what it should.
  modelEvents: schemaFor(z.strictObject({ call: count, events: z.array(json), end: z.optional(streamEnd) })),
  readTrace: schemaFor(
    z.strictObject({
      name: z.optional(filled),
      sessionId: z.optional(id),
      cursor: z.optional(z.string()),
      maxBytes: z.optional(count),
    }),
  ),
  storage: nothing,
  exportSession: schemaFor(z.strictObject({ sessionId: id, attachments: z.boolean(), damaged })),
  readExport: z.strictObject({ transfer: count }),
  cancelExport: z.strictObject({ transfer: count }),
  importSession: schemaFor(z.strictObject({ blob, sessionId: z.optional(id), policy: z.optional(policy) })),
  orphanedNodeIds: schemaFor(
    z.strictObject({
      sessionId: id,
      after: z.optional(z.string()),
      limit: z.optional(count),
      writtenBefore: z.optional(natural),
    }),
  ),
  tombstoneNodes: z.strictObject({ sessionId: id, nodeIds: z.array(filled) }),
  vacuum: z.strictObject({ sessionId: id }),
  gcUnreachable: schemaFor(z.strictObject({ sessionId: id, keepYoungerThanMs: z.optional(natural) })),
  inventory: z.strictObject({ sessionId: id }),
  runHousekeeping: schemaFor(
    z.strictObject({ keep: z.optional(z.strictObject({ youngerThanMs: natural })) }),
  ),
  resumeSession: schemaFor(
    z.strictObject({ parked: jsonObject, unfinishedTurns: z.optional(z.enum(['go-on', 'ask'])) }),
  ),
  pageShown: z.strictObject({ shown: z.boolean() }),
  disconnect: nothing,

  turn: schemaFor(
    z.strictObject({
      session,
      turnId: id,
      input: turnInput,
      request: z.strictObject({
        from: z.optional(z.nullable(filled)),
        inputId: z.optional(id),
        prompt: z.optional(promptLayer),
        answer: z.optional(z.strictObject({ schema: jsonObject })),
        tools: z.optional(z.array(filled)),
        whenRunning: z.optional(z.enum(['reject', 'queue', 'inject'])),
      }),
    }),
  ),
  cancelTurn: schemaFor(z.strictObject({ session, turnId: id, reason: z.optional(z.string()) })),
  pendingTurns: z.strictObject({ session }),
  answer: schemaFor(z.strictObject({ session, requestId: filled, decision })),
  moveQueued: z.strictObject({ session, turnId: id, before: z.nullable(id) }),
  runAction: schemaFor(z.strictObject({ session, plugin: id, action: filled, args: z.optional(json) })),
  resumeTurns: z.strictObject({ session }),
  listTasks: schemaFor(
    z.strictObject({
      session,
      kind: z.optional(z.enum(['monitor', 'subagent', 'observer', 'other'])),
      ended: z.optional(z.boolean()),
    }),
  ),
  cancelTask: schemaFor(z.strictObject({ session, taskId: id, reason: z.optional(z.string()) })),
  branchToNode: z.strictObject({ session, nodeId: z.nullable(filled) }),
  branches: z.strictObject({ session, nodeIds: z.array(filled) }),
  getHistoricNode: z.strictObject({ session, nodeId: filled }),
  appendSessionNodes: schemaFor(
    z.strictObject({ session, requires: z.optional(filled), nodes: filledList(jsonObject) }),
  ),
  readView: schemaFor(z.strictObject({ session, before: z.optional(natural), limit: z.optional(count) })),
  setPolicy: z.strictObject({ session, patch: policyPatch }),
  rename: z.strictObject({ session, title }),
  usage: z.strictObject({ session }),
  park: z.strictObject({ session }),
  pin: z.strictObject({ session, nodeId: filled }),
  unpin: z.strictObject({ session, nodeId: filled }),
  takeOver: z.strictObject({ session, force: z.boolean() }),
  putAttachment: schemaFor(
    z.strictObject({
      session,
      blob,
      mime: filled,
      name: z.optional(z.string()),
      width: z.optional(count),
      height: z.optional(count),
    }),
  ),
  getAttachment: z.strictObject({ session, attachmentId: filled }),
};
