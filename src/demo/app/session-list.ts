import type { RuntimeClient, SessionSummary, SessionView } from 'lash-web';

const PAGE = 100;

/** The sessions of the database, the one that was changed last first. */
export class SessionList {
  items: readonly SessionSummary[] = [];
  /** The session whose title is being typed. */
  renaming: string | null = null;
  /** The session that a person was asked about. */
  deleting: SessionSummary | null = null;
  readonly #client: () => RuntimeClient;
  readonly #changed: () => void;

  constructor(client: () => RuntimeClient, changed: () => void) {
    this.#client = client;
    this.#changed = changed;
  }

  async refresh(): Promise<void> {
    const found: SessionSummary[] = [];
    let after: string | null = null;
    do {
      const page = await this.#client().listSessions({ limit: PAGE, ...(after === null ? {} : { after }) });
      found.push(...page.items);
      after = page.next;
    } while (after !== null);
    this.items = found.toSorted((a, b) => b.updatedAt - a.updatedAt || b.createdAt - a.createdAt);
    this.#changed();
  }

  /** Takes over what an open session shows of itself: the list is read only now and then. */
  note({ sessionId, title, head }: SessionView): void {
    const item = this.items.find((known) => known.sessionId === sessionId);
    if (item === undefined || (item.title === title && item.bytes === head.bytes)) return;
    this.items = this.items.with(this.items.indexOf(item), { ...item, title, bytes: head.bytes });
    this.#changed();
  }

  startRenaming(sessionId: string | null): void {
    this.renaming = sessionId;
    this.#changed();
  }

  /** Gives the session being renamed this title; an empty one leaves the old one. */
  async rename(title: string): Promise<void> {
    const session = this.items.find(({ sessionId }) => sessionId === this.renaming);
    this.startRenaming(null);
    const wanted = title.trim();
    if (session === undefined || wanted === '' || wanted === session.title) return;
    await this.#client().renameSession(session.sessionId, wanted);
    await this.refresh();
  }

  askToDelete(session: SessionSummary | null): void {
    this.deleting = session;
    this.#changed();
  }

  async delete(sessionId: string): Promise<void> {
    await this.#client().deleteSession(sessionId);
    await this.refresh();
  }
}
