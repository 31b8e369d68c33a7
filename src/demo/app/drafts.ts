import { Draft } from './draft.ts';

const KEY = 'lash-demo.drafts';
const FRESH = '';

/** What is being written to each session, and to the next one that is made. */
export class Drafts {
  readonly #drafts = new Map<string, Draft>();
  #fresh = new Draft();
  readonly #storage: Storage;

  /** Begins with what was kept in `storage`. */
  constructor(storage: Storage) {
    this.#storage = storage;
    const kept = JSON.parse(storage.getItem(KEY) ?? '{}') as Readonly<Record<string, string>>;
    for (const [id, text] of Object.entries(kept)) this.of(id === FRESH ? null : id).text = text;
  }

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

  /** Keeps the texts for the page that comes after this one; of an edit, what stood there before. */
  keep(): void {
    const all = [[FRESH, this.#fresh] as const, ...this.#drafts];
    const texts = all.map(([id, { editing, text }]) => [id, editing?.before.text ?? text]);
    this.#storage.setItem(KEY, JSON.stringify(Object.fromEntries(texts.filter(([, text]) => text !== ''))));
  }
}
