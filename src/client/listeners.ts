/** Who is told when something happens. */
export class Listeners<T> {
  readonly #entries = new Set<(what: T) => void>();

  /** Calls `listener` at each `tell`, as often as it was added. The returned function takes that back. */
  add(listener: (what: T) => void): () => void {
    const entry = (what: T): void => listener(what);
    this.#entries.add(entry);
    return () => this.#entries.delete(entry);
  }

  /** Calls every listener. One that throws does not keep the others from it. */
  tell(what: T): void {
    for (const entry of this.#entries) {
      try {
        entry(what);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
