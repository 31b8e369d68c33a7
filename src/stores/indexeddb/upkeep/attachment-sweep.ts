import { systemClock } from '../../../contract/clock.ts';
import { type LashError, toWireError } from '../../../core/error.ts';
import type { MaintenanceStatus, SweepReport } from '../../../core/maintenance.ts';
import { chunkCount } from '../../rules/attachment.ts';
import { damageIn } from '../../rules/storage-error.ts';
import { isWanted } from '../attachments/attachment-intent.ts';
import { type FoundAttachment, isReferenced, readBatch } from '../attachments/attachment-list.ts';
import { decodeAttachment, readAttachment } from '../attachments/attachment-row.ts';
import type { IndexedDbDatabase } from '../rows/database.ts';
import type { RowCounts } from '../rows/row-counters.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { type AttachmentRow, BY_ATTACHMENT, type StoreName } from '../rows/schema.ts';

/** How a sweep goes about it. */
export interface AttachmentSweepOptions {
  /** Only these: what a session that is being deleted referred to. Absent: all of the database. */
  readonly candidates?: readonly string[];
  readonly keepYoungerThanMs: number;
  /** Unix milliseconds. */
  readonly now: number;
  /** Stops it between two transactions. */
  readonly signal?: AbortSignal;
  readonly counts: RowCounts;
}

/** Why an attachment stays, or that it may go. `unsure`: nothing in the whole database is referred to. */
type Verdict = 'root' | 'unsure' | 'young' | 'free';

/** Names the row without which nothing can be said of an attachment. */
type Damage = LashError<'StoredDataCorrupt'>;

interface Judged {
  readonly id: string;
  readonly verdict: Verdict | Damage;
}

const JUDGE_STORES: readonly StoreName[] = ['attachments', 'references', 'intents', 'heads'];

const REMOVAL_STORES: readonly StoreName[] = ['attachments', 'chunks', 'intents'];

/** How many attachments are looked at in one transaction. */
const BATCH = 100;

/** How many chunks go in one transaction; the row of the attachment and its intent go with less than that. */
const SLICE = 99;

/**
 * Removes attachments that no node refers to and no session may still commit, unless they were put a short time ago, and
 * finishes what an interrupted put or sweep left behind (law ST11). `roots` counts attachments that something refers to.
 *
 * Without `candidates` and without any root in the database nothing that is stored is removed: `Refused` (law ST10). What
 * cannot be judged, because a row is damaged, stays, and the report of the whole is `Failed` with the first such error.
 * Never rejects: an error that ends it is in the report too, with what was done before it.
 */
export function sweepAttachments(
  database: IndexedDbDatabase,
  options: AttachmentSweepOptions,
): Promise<SweepReport> {
  return new AttachmentSweep(database, options).run();
}

class AttachmentSweep {
  readonly #database: IndexedDbDatabase;
  readonly #options: AttachmentSweepOptions;
  #blind = false;
  #refused = false;
  #stopped = false;
  #damage: Damage | undefined;
  #roots = 0;
  #kept = 0;
  #removed = 0;
  #removedBytes = 0;

  constructor(database: IndexedDbDatabase, options: AttachmentSweepOptions) {
    this.#database = database;
    this.#options = options;
  }

  async run(): Promise<SweepReport> {
    const { candidates } = this.#options;
    try {
      if (candidates === undefined) await this.#sweepAll();
      else await this.#sweepThese([...new Set(candidates)]);
    } catch (error) {
      return { ...this.#report('Failed'), error: toWireError(error) };
    }
    if (this.#damage !== undefined) return { ...this.#report('Failed'), error: toWireError(this.#damage) };
    if (this.#refused) return this.#report('Refused');
    if (this.#stopped) return this.#report('Incomplete');
    return this.#report(this.#removed > 0 ? 'Swept' : 'NothingToDo');
  }

  async #sweepAll(): Promise<void> {
    this.#blind = !(await this.#run('readonly', JUDGE_STORES, hasRoot));
    for (let after: string | undefined = ''; after !== undefined && !this.#stops();) {
      const last: string = after;
      const judged = await this.#judge((rows) => readBatch(rows, last, BATCH));
      await this.#sweepJudged(judged);
      after = judged.length === BATCH ? judged.at(-1)?.id : undefined;
    }
  }

  async #sweepThese(ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length && !this.#stops(); from += BATCH) {
      const batch = ids.slice(from, from + BATCH);
      await this.#sweepJudged(
        await this.#judge(async (rows) => {
          const found = await Promise.all(batch.map((id) => rows.get('attachments', id)));
          return found.flatMap((row) => (row === undefined ? [] : [row as FoundAttachment]));
        }),
      );
    }
  }

  #judge(read: (rows: RowTransaction) => Promise<readonly FoundAttachment[]>): Promise<readonly Judged[]> {
    return this.#run('readonly', JUDGE_STORES, async (rows) =>
      Promise.all(
        (await read(rows)).map(async (found) => ({
          id: found.id,
          verdict: await this.#verdictOn(rows, found).catch(damageIn),
        })),
      ),
    );
  }

  async #sweepJudged(judged: readonly Judged[]): Promise<void> {
    for (const { id, verdict } of judged) {
      if (verdict !== 'free') this.#keep(verdict);
      else if (!this.#stops()) await this.#remove(id).catch((error: unknown) => this.#keep(damageIn(error)));
    }
  }

  /** @throws `StoredDataCorrupt` */
  async #verdictOn(rows: RowTransaction, found: FoundAttachment): Promise<Verdict> {
    const row = decodeAttachment(found.id, found);
    if (row.state === 'deleting') return 'free';
    if (await isReferenced(rows, row.id)) return 'root';
    const intents = await rows.getAll('intents', IDBKeyRange.only(row.id), { index: BY_ATTACHMENT });
    if (await isWanted(rows, intents)) return 'root';
    if (this.#blind && row.state === 'stored') return 'unsure';
    const { now, keepYoungerThanMs } = this.#options;
    return now - row.putAt < keepYoungerThanMs ? 'young' : 'free';
  }

  /** Looks at it again in the transaction that condemns it, since commits and puts go on between transactions. */
  async #remove(id: string): Promise<void> {
    const token = systemClock.newId();
    const found = await this.#run('readwrite', JUDGE_STORES, async (rows) => {
      const row = await readAttachment(rows, id);
      if (row === undefined || row.state === 'deleting') return row;
      const verdict = await this.#verdictOn(rows, { ...row });
      if (verdict !== 'free') return verdict;
      const condemned: AttachmentRow = { ...row, state: 'deleting', token };
      rows.put('attachments', condemned);
      return condemned;
    });
    if (typeof found === 'string') this.#keep(found);
    else if (found !== undefined) await this.#removeChunks(found);
  }

  async #removeChunks({ id, byteLength, token }: AttachmentRow): Promise<void> {
    const count = chunkCount(byteLength);
    for (let from = 0, over = false; !over; from += SLICE) {
      if (this.#stops()) return;
      const isLast = from + SLICE > count;
      const outcome = await this.#run('readwrite', REMOVAL_STORES, async (rows) => {
        const row = await readAttachment(rows, id);
        if (row === undefined) return 'gone';
        if (row.state !== 'deleting' || row.token !== token) return 'kept';
        rows.delete('chunks', IDBKeyRange.bound([id, from], [id, from + SLICE - 1]));
        if (isLast) await removeRow(rows, id);
        return 'removed';
      });
      if (outcome === 'kept') this.#kept++;
      if (outcome !== 'removed') return;
      over = isLast;
    }
    this.#removed++;
    this.#removedBytes += byteLength;
  }

  #keep(verdict: Verdict | Damage): void {
    this.#kept++;
    if (verdict === 'root') this.#roots++;
    if (verdict === 'unsure') this.#refused = true;
    if (typeof verdict === 'object') this.#damage ??= verdict;
  }

  #stops(): boolean {
    this.#stopped ||= this.#options.signal?.aborted === true;
    return this.#stopped;
  }

  #report(status: MaintenanceStatus): SweepReport {
    const removed = { removed: this.#removed, removedBytes: this.#removedBytes };
    return { status, roots: this.#roots, kept: this.#kept, ...removed };
  }

  #run<T>(
    mode: 'readonly' | 'readwrite',
    stores: readonly StoreName[],
    body: (rows: RowTransaction) => Promise<T>,
  ): Promise<T> {
    return this.#database.transaction({ stores, mode, counts: this.#options.counts }, body);
  }
}

/** Intents go last: those of a deleted session say what its deletion has to look at, should it be interrupted. */
async function removeRow(rows: RowTransaction, id: string): Promise<void> {
  const intents = await rows.getKeys('intents', IDBKeyRange.only(id), { index: BY_ATTACHMENT });
  rows.remove('attachments', id);
  for (const key of intents) rows.remove('intents', key);
}

/** Whether anything in the database surely refers to an attachment, or may still come to. */
async function hasRoot(rows: RowTransaction): Promise<boolean> {
  const [reference] = await rows.getKeys('references', null, { limit: 1 });
  if (reference !== undefined) return true;
  const wanted = await isWanted(rows, await rows.getAll('intents')).catch(damageIn);
  return wanted === true;
}
