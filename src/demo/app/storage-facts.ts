import type {
  HousekeepingReport,
  RuntimeClient,
  SessionInventory,
  SessionSummary,
  StorageReport,
} from 'lash-web';

import { adviceFor } from './error-advice.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Which branches housekeeping leaves alone, as a person chooses it. */
export const KEEP_RULES: readonly { readonly label: string; readonly youngerThanMs: number }[] = [
  { label: 'of the last 30 days', youngerThanMs: 30 * DAY_MS },
  { label: 'of the last day', youngerThanMs: DAY_MS },
  { label: 'that are pinned, and no others', youngerThanMs: 0 },
];

/** What a session takes; or why that could not be read, in plain words. */
export type SessionFacts = SessionInventory | { readonly trouble: string };

/** What is stored for this site, and what can be done about it. Read while the storage page is shown. */
export class StorageFacts {
  report: StorageReport | null = null;
  /** What the sessions of agents and summaries take: they are part of the report, and no chats. */
  helperBytes = 0;
  /** What a person was told when asking the browser to keep the data. */
  persistence: 'kept' | 'refused' | null = null;
  youngerThanMs: number = KEEP_RULES[0]?.youngerThanMs ?? 0;
  housekeeping: HousekeepingReport | 'running' | null = null;
  readonly #sessions = new Map<string, SessionFacts>();
  readonly #client: () => RuntimeClient;
  readonly #changed: () => void;
  #reading = 0;

  constructor(client: () => RuntimeClient, changed: () => void) {
    this.#client = client;
    this.#changed = changed;
  }

  /** What a session takes, once it is read. */
  of(sessionId: string): SessionFacts | undefined {
    return this.#sessions.get(sessionId);
  }

  /** Reads everything anew, one chat after the other; a later call takes the place of an earlier one. */
  async refresh(chats: readonly SessionSummary[]): Promise<void> {
    const reading = ++this.#reading;
    this.report = await this.#client().storage();
    const chatBytes = chats.reduce((sum, { bytes }) => sum + bytes, 0);
    this.helperBytes = Math.max(0, this.report.sessionBytes - chatBytes);
    this.#changed();
    for (const { sessionId } of chats) {
      if (reading !== this.#reading) return;
      await this.read(sessionId);
    }
  }

  /** Ends a refresh that is under way. */
  rest(): void {
    this.#reading++;
  }

  /** Reads one session anew. */
  async read(sessionId: string): Promise<void> {
    const facts = this.#client()
      .maintenance.inventory(sessionId)
      .catch((error: unknown) => ({ trouble: adviceFor(error).text }));
    this.#sessions.set(sessionId, await facts);
    this.#changed();
  }

  /** Asks the browser not to evict the data by itself. Call it from a click: some browsers ask the person. */
  async persist(): Promise<void> {
    this.report = await this.#client().storage({ persist: true });
    this.persistence = this.report.persisted === true ? 'kept' : 'refused';
    this.#changed();
  }

  chooseRule(youngerThanMs: number): void {
    this.youngerThanMs = youngerThanMs;
    this.#changed();
  }

  /** Tidies up all sessions by the chosen rule. */
  async keepHouse(): Promise<void> {
    if (this.housekeeping === 'running') return;
    this.housekeeping = 'running';
    this.#changed();
    let report: HousekeepingReport | null = null;
    try {
      report = await this.#client().maintenance.runHousekeeping({ youngerThanMs: this.youngerThanMs });
    } finally {
      this.housekeeping = report;
      this.#changed();
    }
  }

  /** Takes back every pin of a session. */
  async unpinAll(sessionId: string): Promise<void> {
    const { pins } = await this.#client().maintenance.inventory(sessionId);
    const session = await this.#client().openSession(sessionId);
    try {
      for (const nodeId of pins) await session.unpin(nodeId);
    } finally {
      await session.close();
    }
    await this.read(sessionId);
  }
}
