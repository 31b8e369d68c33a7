import type { AttachmentStore } from '../contract/attachments.ts';
import type { SessionStoreFactory } from '../contract/store.ts';
import type { AttachmentRef } from '../core/attachment.ts';
import type { SweepReport } from '../core/maintenance.ts';
import type { NodeDraft } from '../core/node.ts';
import { ok } from './assert.ts';
import type { ConformanceCase } from './conformance-case.ts';

/** What a case of the attachment store's suite runs on. */
export interface AttachmentStoreContext {
  /** An empty store whose limit is 5 MiB. */
  readonly store: AttachmentStore;
  /** A store that leads to the same bytes as another tab's would. For bytes in memory: the same store. */
  readonly reopen: () => Promise<AttachmentStore>;
  /** An empty factory whose commits adopt what `store` holds. */
  readonly factory: SessionStoreFactory;
  /** The attachments' part of `gcUnreachable`. */
  readonly sweep: (keepYoungerThanMs: number) => Promise<SweepReport>;
  /** Makes what is known of an attachment unreadable. Cases whose title says so check nothing without it. */
  readonly damage?: (id: string) => Promise<void>;
  /** Moves the clock of the store and of the sweep on by this many milliseconds; it stands still otherwise. */
  readonly pass: (ms: number) => Promise<void>;
}

/** A case of the attachment store's suite. */
export type AttachmentCase = ConformanceCase<AttachmentStoreContext>;

/** 1 MiB. */
export const MIB: number = 1024 * 1024;

/** What is known of text. */
export const TEXT = { mime: 'text/plain' } as const;

/** Bytes without a pattern that a compression would find, the same ones each time; another `seed`, other bytes. */
export function noise(length: number, seed = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = (0x9e3779b9 + 2 * seed) | 0;
  for (let index = 0; index < length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state & 0xff;
  }
  return bytes;
}

/** @throws `Error` unless the store has these bytes under this id */
export async function holds(store: AttachmentStore, id: string, bytes: Uint8Array): Promise<void> {
  const blob = await store.get(id);
  ok(same(await bytesOf(blob), bytes), `attachment ${id} has other bytes`);
}

/** The bytes of a blob. */
export async function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer());
}

/** Whether both are the same bytes. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** A user's message with a file, as a node. */
export function shows(...attachments: readonly AttachmentRef[]): NodeDraft {
  const parts = attachments.map((attachment) => ({ type: 'file' as const, attachment }));
  return { createdAt: 1, body: { kind: 'conversation', message: { role: 'user', parts } } };
}
