import { systemClock } from '../contract/clock.ts';
import type { RuntimeEnvironment } from '../contract/environment.ts';
import type { SessionStore } from '../contract/store.ts';
import { LashError } from '../core/error.ts';
import type {
  ExportBegun,
  ExportChunk,
  ExportRequest,
  ImportedSession,
  ImportRequest,
} from '../protocol/api.ts';
import { exportSession } from '../runtime/portable/session-export.ts';
import { importSession } from '../runtime/portable/session-import.ts';
import type { SecretVault } from '../runtime/secrets.ts';
import { fileNameOf } from './file-name.ts';
import { present } from './present.ts';
import { policy as policySchema } from './schema/policy.ts';

/** An export that a page reads a chunk at a time. Between two chunks it holds nothing but memory. */
interface RunningExport {
  readonly store: SessionStore;
  readonly chunks: AsyncGenerator<Uint8Array<ArrayBuffer>, void, void>;
}

/** What one connection exports and imports. */
export class SessionTransfers {
  readonly #environment: RuntimeEnvironment;
  readonly #secrets: SecretVault;
  readonly #exports = new Map<number, RunningExport>();
  /** Begins anywhere, so that a page never reads on in an export of a worker that came later. */
  #numbers = Math.floor(Math.random() * 2 ** 32);

  constructor(environment: RuntimeEnvironment, secrets: SecretVault) {
    this.#environment = environment;
    this.#secrets = secrets;
  }

  /** @throws `SessionNotFound`, `SessionDeleted` */
  async beginExport({ sessionId, ...options }: ExportRequest): Promise<ExportBegun> {
    const { sessionStoreFactory, attachmentStore } = this.#environment;
    const store = await sessionStoreFactory.open(sessionId, { kind: 'open' });
    const { title } = await store.loadSessionMeta();
    this.#numbers += 1;
    this.#exports.set(this.#numbers, {
      store,
      chunks: exportSession(store, attachmentStore, present(options)),
    });
    return { transfer: this.#numbers, fileName: fileNameOf(title, 'session') };
  }

  /** The next bytes of an export; with the last ones, or an error, it is over. @throws `InvalidInput` when it is over */
  async readExport(transfer: number): Promise<ExportChunk> {
    const running = this.#exports.get(transfer);
    if (running === undefined) {
      const reason = 'names no export that is running';
      throw new LashError('InvalidInput', `transfer ${reason}`, { path: 'transfer', reason });
    }
    try {
      const { value, done } = await running.chunks.next();
      if (done === true) await this.cancelExport(transfer);
      return { bytes: value ?? new Uint8Array(), done: done === true };
    } catch (error) {
      await this.cancelExport(transfer);
      throw error;
    }
  }

  /** Ends an export, if it is running. */
  async cancelExport(transfer: number): Promise<void> {
    const running = this.#exports.get(transfer);
    this.#exports.delete(transfer);
    await running?.store.close();
  }

  /** @throws what `importSession` of the runtime throws */
  importSession({ blob, sessionId, policy }: ImportRequest): Promise<ImportedSession> {
    return importSession(this.#environment, blob, {
      sessionId: sessionId ?? systemClock.newId(),
      checkPolicy: (value) => policySchema.parse(value),
      secrets: this.#secrets,
      ...(policy === undefined ? {} : { policy }),
    });
  }
}
