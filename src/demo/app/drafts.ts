import { Draft } from './draft.ts';

/** What is being written to each session, and to the next one that is made. */
export class Drafts {
  readonly #drafts = new Map<string, Draft>();
  #fresh = new Draft();

  /** The draft of a session; of none, the one that the next new session gets. */
  of(sessionId: string | null): Draft {
    if (sessionId === null) return this.#fresh;
    const draft = this.#drafts.get(sessionId) ?? new Draft();
    this.#drafts.set(sessionId, draft);
    return draft;
  }

  /** Gives a new session what was written for it before it was there. */
  adopt(sessionId: string): Draft {
    const draft = this.#fresh;
    this.#fresh = new Draft();
    this.#drafts.set(sessionId, draft);
    return draft;
  }

  /** Keeps the text that was written to a session that turned out not to exist: the next new one gets it. */
  rescue(sessionId: string): void {
    const texts = [this.#fresh.text, this.of(sessionId).text].filter((text) => text.trim() !== '');
    this.#fresh.text = texts.join('\n\n');
    this.forget(sessionId);
  }

  forget(sessionId: string): void {
    this.#drafts.delete(sessionId);
  }
}
