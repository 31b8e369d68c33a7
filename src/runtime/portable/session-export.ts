import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

import type { AttachmentStore } from '../../contract/attachments.ts';
import type { NodeWalk, SessionStore } from '../../contract/store.ts';
import type { AttachmentRef } from '../../core/attachment.ts';
import { LashError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import { attachmentsOfBody, type SessionNode } from '../../core/node.ts';
import type { SessionMeta, SessionPolicy } from '../../core/policy.ts';
import { attachmentRecord } from '../outcome-record.ts';
import { toBase64 } from './base64.ts';
import { nodeRecord, toTimestamp } from './node-record.ts';
import { PIECE_BYTES, pieceCount, PORTABLE_FORMAT, PORTABLE_VERSION } from './portable-format.ts';

/** A chunk ends behind the line that reaches this many characters. */
const CHUNK_LENGTH = 256 * 1024;

/** The most that a store gives at once. */
const PAGE_NODES = 1000;

/** What an export takes along besides the nodes. */
export interface SessionExportOptions {
  /** Whether the bytes of attachments are in the file. Without them it can be imported where they are stored. */
  readonly attachments: boolean;
  /** `showSound`: of a damaged session, the active path up to its last sound node, without attachments that are gone (law ST6). */
  readonly damaged?: 'refuse' | 'showSound';
}

/**
 * The bytes of a session's file, in chunks of about 256 KiB that end with a line; they are one state of the session,
 * whatever is written meanwhile. What it holds at a time is a page of nodes and a piece of an attachment, and the ids of
 * the attachments and pins that it met (law TR3).
 *
 * @throws what reading throws: `StoredDataCorrupt`, `AttachmentNotFound`, `SessionDeleted`; `Cancelled` (retryable) when
 *   nodes were tombstoned meanwhile, so that a part of that state is gone
 */
export async function* exportSession(
  store: SessionStore,
  attachments: AttachmentStore,
  options: SessionExportOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const encoder = new TextEncoder();
  const hash = sha256.create();
  const written = { nodes: 0, attachments: 0 };
  let text = '';
  const take = (): Uint8Array<ArrayBuffer> => {
    const bytes = encoder.encode(text);
    hash.update(bytes);
    text = '';
    return bytes;
  };
  const source = options.attachments ? attachments : null;
  const records = options.damaged === 'showSound' ? soundRecords(store, source) : recordsOf(store, source);
  for await (const record of records) {
    if (record['type'] === 'node') written.nodes++;
    if (record['type'] === 'attachment') written.attachments++;
    text += toLine(record);
    if (text.length >= CHUNK_LENGTH) yield take();
  }
  yield take();
  yield encoder.encode(toLine({ type: 'footer', ...written, sha256: bytesToHex(hash.digest()) }));
}

function toLine(record: JsonObject): string {
  return `${JSON.stringify(record)}\n`;
}

async function* recordsOf(
  store: SessionStore,
  attachments: AttachmentStore | null,
): AsyncGenerator<JsonObject, void, void> {
  const [meta, { pins }] = await Promise.all([store.loadSessionMeta(), store.inventory()]);
  const pinned = new Set(pins);
  const sent = new Set<string>();
  let page: NodeWalk = await store.walk({ limit: PAGE_NODES });
  const { leaf, nodeCount, revision } = page.head;
  yield headerRecord(meta, leaf);
  let nodes = 0;
  for (;;) {
    for (const node of page.nodes) {
      yield* attachmentsOf(node, attachments, sent);
      yield nodeRecord(node, pinned.has(node.id));
    }
    nodes += page.nodes.length;
    if (page.next === null) break;
    page = await store.walk({ after: page.next, limit: PAGE_NODES });
  }
  if (nodes !== nodeCount) {
    if (page.head.nodeCount === nodeCount && page.head.revision === revision) {
      const reason = `${nodes} nodes are stored, and there should be ${nodeCount}`;
      const data = { sessionId: meta.sessionId, nodeId: null, reason };
      throw new LashError('StoredDataCorrupt', `Session ${meta.sessionId}: ${reason}`, data);
    }
    const reason = 'nodes were removed while the session was exported';
    throw new LashError('Cancelled', `Export again: ${reason}`, { reason }, { retryable: true });
  }
}

/** The active path from its root, as far as it can be read. */
async function* soundRecords(
  store: SessionStore,
  attachments: AttachmentStore | null,
): AsyncGenerator<JsonObject, void, void> {
  const [meta, { leaf }] = await Promise.all([store.loadSessionMeta(), store.findSoundPath()]);
  yield headerRecord(meta, leaf);
  if (leaf === null) return;
  const sent = new Set<string>();
  const { start: last } = await store.load({ kind: 'path', leaf, limit: 1 });
  for (let from = 0; from <= last; from += PAGE_NODES) {
    const limit = Math.min(PAGE_NODES, last + 1 - from);
    for (const node of (await store.load({ kind: 'path', leaf, before: from + limit, limit })).nodes) {
      yield* attachmentsOf(node, await readable(node, attachments), sent);
      yield nodeRecord(node, false);
    }
  }
}

/** The store if it has all that a node refers to. */
async function readable(
  node: SessionNode,
  attachments: AttachmentStore | null,
): Promise<AttachmentStore | null> {
  for (const { id } of attachmentsOfBody(node.body)) {
    if ((await attachments?.find(id)) === null) return null;
  }
  return attachments;
}

async function* attachmentsOf(
  node: SessionNode,
  attachments: AttachmentStore | null,
  sent: Set<string>,
): AsyncGenerator<JsonObject, void, void> {
  if (attachments === null) return;
  for (const ref of attachmentsOfBody(node.body)) {
    if (sent.has(ref.id)) continue;
    sent.add(ref.id);
    yield* attachmentRecords(ref, await attachments.get(ref.id));
  }
}

function headerRecord({ sessionId, title, createdAt, policy }: SessionMeta, leaf: string | null): JsonObject {
  return {
    type: 'header',
    format: PORTABLE_FORMAT,
    version: PORTABLE_VERSION,
    session_id: sessionId,
    title,
    created_at: toTimestamp(createdAt),
    policy: policyRecord(policy),
    leaf_node_id: leaf,
  };
}

function policyRecord(policy: SessionPolicy): JsonObject {
  const { provider, maxContextTokens, maxSteps, maxTokens, maxTurnMs, whenOffline, prompt, tools } = policy;
  return {
    provider: { id: provider.id, model: provider.model },
    max_context_tokens: maxContextTokens,
    max_steps: maxSteps,
    max_tokens: maxTokens,
    max_turn_ms: maxTurnMs,
    when_offline: whenOffline,
    prompt: prompt as JsonObject | undefined,
    tools,
  };
}

async function* attachmentRecords(ref: AttachmentRef, blob: Blob): AsyncGenerator<JsonObject, void, void> {
  yield { type: 'attachment', ...attachmentRecord({ ...ref, byteLength: blob.size }) };
  for (let index = 0; index < pieceCount(blob.size); index++) {
    const piece = blob.slice(index * PIECE_BYTES, (index + 1) * PIECE_BYTES);
    yield { type: 'piece', base64: toBase64(new Uint8Array(await piece.arrayBuffer())) };
  }
}
