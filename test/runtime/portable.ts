import type { AttachmentStore } from '../../src/contract/attachments.ts';
import type { SessionStore, SessionStoreFactory } from '../../src/contract/store.ts';
import type { AttachmentRef } from '../../src/core/attachment.ts';
import type { NodeBody, SessionNode } from '../../src/core/node.ts';
import { exportSession } from '../../src/runtime/portable/session-export.ts';
import {
  type ImportedSession,
  importSession,
  type SessionImportOptions,
} from '../../src/runtime/portable/session-import.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { Author } from '../../src/testing/author.ts';
import { policy as policySchema } from '../../src/worker/schema/policy.ts';
import { dice } from '../support/dice.ts';

/** Sessions and their attachments. */
export interface Place {
  readonly factory: SessionStoreFactory;
  readonly attachments: AttachmentStore;
}

export function memoryPlace(maxBytes?: number): Place {
  const attachments = new InMemoryAttachmentStore(maxBytes === undefined ? {} : { maxBytes });
  return { factory: new InMemorySessionStoreFactory({ attachments }), attachments };
}

export async function chunksOf(
  { factory, attachments }: Place,
  sessionId = 'session',
  withAttachments = true,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const store = await factory.open(sessionId, { kind: 'open' });
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of exportSession(store, attachments, { attachments: withAttachments }))
    chunks.push(chunk);
  return chunks;
}

/** A session's file. */
export async function exported(place: Place, sessionId?: string, withAttachments?: boolean): Promise<string> {
  return await new Blob(await chunksOf(place, sessionId, withAttachments)).text();
}

/** Imports a file as the session `imported`. */
export function imported(
  { factory, attachments }: Place,
  file: string | Blob,
  options: Partial<SessionImportOptions> = {},
): Promise<ImportedSession> {
  const blob = typeof file === 'string' ? new Blob([file]) : file;
  return importSession({ sessionStoreFactory: factory, attachmentStore: attachments }, blob, {
    sessionId: 'imported',
    checkPolicy: (value) => policySchema.parse(value),
    ...options,
  });
}

/** A file without what a new place gives anew: the session's id, the nodes' ids, and the hash of all of it. */
export function withoutIds(file: string): string {
  const ids = new Map<string, number>();
  for (const [, id] of file.matchAll(/^\{"type":"node","node_id":("(?:[^"\\]|\\.)*")/gm)) {
    if (id !== undefined) ids.set(id, ids.size);
  }
  return file
    .replaceAll(/"(?:node_id|parent_node_id|leaf_node_id|id)":("(?:[^"\\]|\\.)*")/g, (field, id: string) => {
      const number = ids.get(id);
      return number === undefined ? field : field.replace(id, `#${number}`);
    })
    .replace(/"session_id":"(?:[^"\\]|\\.)*"/, '"session_id":"#"')
    .replace(/"sha256":"[0-9a-f]*"\}\n$/, '"sha256":"#"}\n');
}

/** A file of these lines with a footer that fits them. `counts` are those that it claims. */
export async function fileOf(
  lines: readonly string[],
  counts: { readonly nodes?: number; readonly attachments?: number } = {},
): Promise<string> {
  const text = lines.map((line) => `${line}\n`).join('');
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  const sha256 = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const count = (type: string): number => lines.filter((line) => line.includes(`"type":"${type}"`)).length;
  const footer = {
    type: 'footer',
    nodes: count('node'),
    attachments: count('attachment'),
    ...counts,
    sha256,
  };
  return `${text}${JSON.stringify(footer)}\n`;
}

/** The lines of a file but the footer. */
export function linesOf(file: string): readonly string[] {
  return file.split('\n').slice(0, -2);
}

/** All that is stored, as far as it shows. */
export async function storedIn({ factory, attachments }: Place): Promise<unknown> {
  const { items } = await factory.list({});
  const sessions = await Promise.all(
    items.map(async ({ sessionId }) => {
      const store = await factory.open(sessionId, { kind: 'open' });
      return [await store.loadSessionMeta(), await store.load({ kind: 'all' }), await store.inventory()];
    }),
  );
  const adopted = (await attachments.list({ limit: 1000 })).items.filter((attachment) => attachment.adopted);
  return { items, sessions, adopted: adopted.map(({ ref }) => ref) };
}

/** One body of every form, with and without what is optional. */
export function everyBody(ref: AttachmentRef): readonly NodeBody[] {
  const usage = { inputTokens: 7, outputTokens: 5, cachedInputTokens: 3, reasoningTokens: 1 };
  const odd = 'line\nbreak " \\ \u0000 \u2028 \ud83d\ude00 \ud800';
  return [
    { kind: 'conversation', message: { role: 'user', parts: [{ type: 'text', text: odd }] }, turnId: odd },
    { kind: 'conversation', message: { role: 'system', parts: [] } },
    {
      kind: 'conversation',
      message: {
        role: 'user',
        parts: [
          { type: 'text', text: 'long', overflow: ref },
          { type: 'image', attachment: { ...ref, width: 3, height: 4 } },
          { type: 'file', attachment: { ...ref, name: 'a file.txt' } },
        ],
      },
    },
    {
      kind: 'conversation',
      message: {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: '', replay: { signature: 'x', deep: [{ 2: 'b', 1: 'a' }] } },
          { type: 'reasoning', text: 'hm', overflow: ref },
          { type: 'text', text: 'so', replay: { id: 'msg-1' } },
          { type: 'text', text: 'long', replay: { id: 'msg-2' }, overflow: ref },
          { type: 'tool-call', callId: 'c', tool: 't', args: { __proto: 1, list: [null, -0.5, 1e300] } },
          { type: 'tool-call', callId: '', tool: '', args: '{"not json', replay: {}, overflow: ref },
        ],
        status: 'incomplete',
      },
      turnId: 't',
      model: 'm',
      usage,
    },
    { kind: 'conversation', message: { role: 'assistant', parts: [], status: 'cancelled' }, usage },
    {
      kind: 'tool',
      invocation: {
        callId: 'c',
        tool: 't',
        args: null,
        outcome: { status: 'success', value: odd },
        durationMs: 0.5,
      },
    },
    {
      kind: 'tool',
      invocation: {
        callId: 'c',
        tool: 't',
        args: [],
        outcome: { status: 'success', value: null, overflow: ref },
        durationMs: -1,
        overflow: ref,
      },
      turnId: 't',
    },
    {
      kind: 'tool',
      invocation: {
        callId: 'c',
        tool: 't',
        args: { a: {} },
        outcome: {
          status: 'failure',
          class: 'execution',
          code: 'ToolFailed',
          retryable: false,
          message: odd,
        },
        durationMs: 9,
      },
    },
    {
      kind: 'tool',
      invocation: {
        callId: 'c',
        tool: 't',
        args: 0,
        outcome: {
          status: 'failure',
          class: 'resource-limit',
          code: 'ToolFailed',
          retryable: true,
          retryAfterMs: 7,
          data: { $lash_tool_value: [odd] },
          message: '',
        },
        durationMs: 9,
      },
    },
    {
      kind: 'tool',
      invocation: {
        callId: 'c',
        tool: 't',
        args: 0,
        outcome: {
          status: 'success',
          value: [{ $lash_tool_value: 'attachment', deep: { $lash_tool_value: null } }],
          attachments: [ref, { ...ref, name: odd, width: 3, height: 4 }],
        },
        durationMs: 9,
      },
    },
    {
      kind: 'tool',
      invocation: {
        callId: 'c',
        tool: 't',
        args: 1,
        outcome: { status: 'cancelled', message: '' },
        durationMs: 9,
      },
    },
    { kind: 'plugin', pluginType: 'note', data: { odd, list: [[], {}, false] } },
    { kind: 'plugin', pluginType: '', data: null },
  ];
}

/** Writes a session of about `nodes` nodes with forks, further roots, pins, attachments and every form of a body. */
export async function grow(
  place: Place,
  seed: number,
  nodes: number,
  sessionId = 'session',
): Promise<Author> {
  const next = dice(seed);
  const author = await Author.create(place.factory, sessionId);
  const bytes = new TextEncoder().encode(`attachment ${seed}`.repeat(1 + next(40)));
  const ref = await place.attachments.put(bytes, { mime: 'text/plain', name: 'first' }, { sessionId });
  const bodies = everyBody(ref);
  const ids: (string | null)[] = [null];
  let time = 1_700_000_000_000;
  while (ids.length <= nodes) {
    const parent = next(3) === 0 ? ids[next(ids.length)] : ids.at(-1);
    const drafts = Array.from({ length: 1 + next(4) }, () => {
      return { createdAt: (time += next(1000)), body: bodies[next(bodies.length)]! };
    });
    const { nodeIds } = await author.commit({ kind: 'append', parentId: parent ?? null, nodes: drafts });
    ids.push(...nodeIds);
    if (next(10) === 0) await author.store.pin(ids[1 + next(ids.length - 1)]!);
  }
  await author.branch(ids[next(ids.length)]!);
  return author;
}

/** The nodes of a session by place in its walk: bodies, times, and the place of the parent. */
export async function treeOf(store: SessionStore): Promise<unknown> {
  const places = new Map<string | null, number>([[null, -1]]);
  const nodes: SessionNode[] = [];
  for (let after: string | null | undefined; after !== null;) {
    const page = await store.walk(after === undefined ? {} : { after });
    nodes.push(...page.nodes);
    after = page.next;
  }
  for (const { id } of nodes) places.set(id, places.size - 1);
  const { head } = await store.load({ kind: 'head' });
  const { pins } = await store.inventory();
  return {
    nodes: nodes.map(({ parentId, createdAt, body }) => ({ parent: places.get(parentId), createdAt, body })),
    leaf: places.get(head.leaf),
    pins: pins.map((id) => places.get(id) ?? -1).toSorted((a, b) => a - b),
  };
}
