import type { AttachmentStore } from '../../contract/attachments.ts';
import type { SessionImport, SessionStoreFactory } from '../../contract/store.ts';
import type { AttachmentRef } from '../../core/attachment.ts';
import { findNonJson, MAX_JSON_DEPTH } from '../../core/json.ts';
import { attachmentsOfBody } from '../../core/node.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import { given } from '../given.ts';
import type { SecretVault } from '../secrets.ts';
import { readAttachment } from './attachment-reader.ts';
import { parseHostile } from './hostile-json.ts';
import { ImportedAttachment } from './import-attachment.ts';
import { importInvalid } from './import-error.ts';
import { ImportFields } from './import-fields.ts';
import { type ImportLine, readLines } from './import-lines.ts';
import { ImportWriter } from './import-writer.ts';
import { readNodeRecord, readTimestamp } from './node-record-reader.ts';
import { PORTABLE_FORMAT, PORTABLE_VERSION } from './portable-format.ts';

/** A draft is this deep within the request that commits it, and at most one level deeper within its line. */
const DRAFT_DEPTH = 2;
const MAX_LINE_DEPTH: number = MAX_JSON_DEPTH + 1;
const MAX_TITLE_LENGTH = 500;

/** A piece of an attachment fits. */
const MIN_LINE_BYTES = 1024 * 1024;

/** What a file may take. */
export interface ImportLimits {
  /** Default: four times what a commit may hold, since a line takes more than the node in it; at least 1 MiB. */
  readonly lineBytes?: number;
  /** Default 1,000,000. */
  readonly nodes?: number;
  /** Of all attachments together; default 4 GiB. One may have what the attachment store takes. */
  readonly attachmentBytes?: number;
}

/** How a session is imported. */
export interface SessionImportOptions {
  /** The id of the new session. */
  readonly sessionId: string;
  /** Takes the place of the file's policy, of which provider and model are the least that a host should trust. */
  readonly policy?: SessionPolicy;
  /** What the file's policy is worth; whatever it throws is the fault of line 1. */
  readonly checkPolicy: (policy: unknown) => SessionPolicy;
  /** What must not be stored, also when it comes from a file (law SE1). */
  readonly secrets?: SecretVault;
  readonly limits?: ImportLimits;
}

/** What was imported. */
export interface ImportedSession {
  readonly sessionId: string;
  readonly nodes: number;
  readonly attachments: number;
}

/** Where a session is imported to. */
export interface ImportTarget {
  readonly sessionStoreFactory: SessionStoreFactory;
  readonly attachmentStore: AttachmentStore;
}

/**
 * Reads a file that `exportSession` wrote, or somebody who means harm, into a new session, which shows when all of it is
 * there (laws SE2, ST13). It takes fields that it knows, gives nodes new ids, hashes attachments again and reckons
 * totals from the nodes. In memory are a line, what the next commit holds, and the ids of the nodes.
 *
 * @throws `ImportInvalid` naming the line; `CommitBudgetExceeded` for one node over the budget; `SessionExists`,
 *   `SessionDeleted`, `StorageFull` and other storage errors. Then nothing of it is left but attachments that a sweep takes.
 */
export async function importSession(
  target: ImportTarget,
  file: Blob,
  options: SessionImportOptions,
): Promise<ImportedSession> {
  const importer = new SessionImporter(target, options);
  const { bytes } = target.sessionStoreFactory.commitBudget;
  const { lineBytes = Math.max(MIN_LINE_BYTES, 4 * bytes) } = options.limits ?? {};
  try {
    for await (const line of readLines(file, lineBytes)) await importer.take(line);
    return await importer.finish();
  } catch (error) {
    // What abandoning leaves undone, the next start of the runtime does.
    await importer.abandon().catch(() => undefined);
    throw error;
  }
}

/** The session that the header begins. */
interface Begun {
  readonly session: SessionImport;
  readonly writer: ImportWriter;
  /** The file's id of the leaf. */
  readonly leaf: string | null;
}

class SessionImporter {
  readonly #target: ImportTarget;
  readonly #options: SessionImportOptions;
  /** Attachments that nodes may refer to: bytes by id. */
  readonly #known = new Map<string, number>();
  #begun: Begun | undefined;
  #attachment: ImportedAttachment | undefined;
  #attachments = 0;
  #attachmentBytes = 0;
  #lines = 0;
  #ended = false;

  constructor(target: ImportTarget, options: SessionImportOptions) {
    this.#target = target;
    this.#options = options;
  }

  async take(line: ImportLine): Promise<void> {
    this.#lines = line.number;
    const record = new ImportFields(parseHostile(line.text, line.number, MAX_LINE_DEPTH), line.number);
    const type = record.text('type');
    const attachment = this.#attachment;
    if (this.#ended) throw importInvalid(line.number, 'it stands behind the footer');
    if (this.#begun === undefined) {
      if (type !== 'header') throw record.fault('type', 'of the first line is not header');
      this.#begun = await this.#begin(record);
    } else if (attachment !== undefined) {
      if (type !== 'piece') throw record.fault('type', 'is not piece, and the attachment is not complete');
      attachment.add(record);
      if (attachment.complete) await this.#put(attachment);
    } else if (type === 'node') await this.#takeNode(record, this.#begun.writer);
    else if (type === 'attachment') await this.#takeAttachment(record);
    else if (type === 'footer') this.#takeFooter(record, this.#begun.writer, line.hashBefore());
    else throw record.fault('type', 'is none of node, attachment, footer');
  }

  async finish(): Promise<ImportedSession> {
    if (this.#begun === undefined || !this.#ended) {
      throw importInvalid(this.#lines + 1, 'it is missing: the file is cut off');
    }
    const { session, writer, leaf } = this.#begun;
    await writer.flush();
    const newLeaf = leaf === null ? null : writer.idOf(leaf);
    if (newLeaf === undefined) throw importInvalid(1, 'leaf_node_id is not the id of a node');
    await session.publish(newLeaf);
    await session.store.close();
    return { sessionId: this.#options.sessionId, nodes: writer.count, attachments: this.#attachments };
  }

  async abandon(): Promise<void> {
    await this.#begun?.session.abandon();
  }

  async #begin(record: ImportFields): Promise<Begun> {
    if (record.text('format') !== PORTABLE_FORMAT) throw record.fault('format', `is not ${PORTABLE_FORMAT}`);
    if (record.count('version') !== PORTABLE_VERSION)
      throw record.fault('version', 'is not one that is known here');
    const title = this.#redacted(record.text('title'));
    if (title.length > MAX_TITLE_LENGTH)
      throw record.fault('title', `is over ${MAX_TITLE_LENGTH} characters long`);
    const at = readTimestamp(record, 'created_at');
    const leaf = record.textOrNull('leaf_node_id');
    const policy = this.#policyOf(record);
    const { sessionStoreFactory: factory } = this.#target;
    const session = await factory.beginImport(this.#options.sessionId, { kind: 'create', title, policy, at });
    return { session, writer: new ImportWriter(session.store, factory.commitBudget), leaf };
  }

  #policyOf(record: ImportFields): SessionPolicy {
    const fields = record.fields('policy');
    const provider = fields.fields('provider');
    const read = {
      provider: { id: provider.text('id'), model: provider.text('model') },
      ...given('maxContextTokens', fields.optionalCount('max_context_tokens')),
      ...given('maxSteps', fields.optionalCount('max_steps')),
      ...given('maxTokens', fields.optionalCount('max_tokens')),
      ...given('maxTurnMs', fields.optionalCount('max_turn_ms')),
      ...given('whenOffline', fields.optionalText('when_offline')),
      ...given('prompt', fields.optionalObject('prompt')),
      ...given('tools', fields.optionalJson('tools')),
    };
    try {
      const policy = this.#options.checkPolicy(read);
      return this.#redacted(this.#options.policy ?? policy);
    } catch (error) {
      throw importInvalid(record.line, 'policy is not one that a session can be run with', error);
    }
  }

  async #takeNode(record: ImportFields, writer: ImportWriter): Promise<void> {
    const { nodes = 1_000_000 } = this.#options.limits ?? {};
    if (writer.count >= nodes) throw importInvalid(record.line, `the file has over ${nodes} nodes`);
    const read = readNodeRecord(record);
    const node = { ...read, draft: this.#redacted(read.draft) };
    const fault = findNonJson(node.draft, 'node', DRAFT_DEPTH);
    if (fault !== undefined) throw importInvalid(record.line, `${fault} nests too deep`);
    for (const ref of attachmentsOfBody(node.draft.body)) await this.#checkReference(ref, record.line);
    await writer.add(node, record.line);
  }

  /** A reference must fit the bytes that it names, which are of this file or stored already. */
  async #checkReference({ id, byteLength }: AttachmentRef, line: number): Promise<void> {
    const known = this.#known.get(id) ?? (await this.#target.attachmentStore.find(id))?.byteLength;
    if (known === undefined) {
      throw importInvalid(line, `the attachment ${id} does not come before it, and is not stored here`);
    }
    if (known !== byteLength) throw importInvalid(line, `the attachment ${id} has ${known} bytes`);
    this.#known.set(id, known);
  }

  async #takeAttachment(record: ImportFields): Promise<void> {
    const { maxBytes } = this.#target.attachmentStore;
    const { attachmentBytes = 4 * 1024 ** 3 } = this.#options.limits ?? {};
    const attachment = new ImportedAttachment(readAttachment(record), record.line, maxBytes);
    if (this.#known.has(attachment.ref.id)) throw record.fault('id', 'is that of an earlier attachment');
    this.#attachmentBytes += attachment.ref.byteLength;
    if (this.#attachmentBytes > attachmentBytes) {
      throw importInvalid(record.line, `the attachments have over ${attachmentBytes} bytes`);
    }
    this.#attachment = attachment;
    if (attachment.complete) await this.#put(attachment);
  }

  async #put(attachment: ImportedAttachment): Promise<void> {
    const { sessionId } = this.#options;
    const { id, byteLength, ...meta } = attachment.ref;
    await this.#target.attachmentStore.put(attachment.bytes(), this.#redacted(meta), { sessionId });
    this.#known.set(id, byteLength);
    this.#attachments++;
    this.#attachment = undefined;
  }

  #takeFooter(record: ImportFields, writer: ImportWriter, hash: string): void {
    if (record.count('nodes') !== writer.count) throw record.fault('nodes', `is not ${writer.count}`);
    if (record.count('attachments') !== this.#attachments) {
      throw record.fault('attachments', `is not ${this.#attachments}`);
    }
    if (record.text('sha256') !== hash) throw record.fault('sha256', 'is not that of the lines before it');
    this.#ended = true;
  }

  #redacted<T>(value: T): T {
    return this.#options.secrets?.redactJson(value) ?? value;
  }
}
