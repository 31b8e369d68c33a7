/** Work that nobody sees, and that can be waited for (rule BH9). */
export class HiddenWork {
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #failed: { readonly error: unknown } | null = null;

  add(work: (signal: AbortSignal) => Promise<unknown>): void {
    const run = async (): Promise<unknown> => await work(this.#stop.signal);
    const done = run()
      .catch((error: unknown) => {
        this.#failed ??= { error };
      })
      .finally(() => this.#running.delete(done));
    this.#running.add(done);
  }

  /** Resolves when nothing is left, also of what was added meanwhile. @throws what failed first since the last wait */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    const failed = this.#failed;
    this.#failed = null;
    if (failed !== null) throw failed.error;
  }

  end(reason: Error): void {
    this.#stop.abort(reason);
  }
}
