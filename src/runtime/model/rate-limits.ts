/** Until when providers do not want to be asked, as they said: shared by the sessions of a worker. */
export class RateLimits {
  readonly #until = new Map<string, number>();

  /** The provider said that it is to be left alone until then, in Unix milliseconds. */
  note(providerId: string, until: number): void {
    this.#until.set(providerId, Math.max(until, this.until(providerId)));
  }

  /** Unix milliseconds; 0 where nothing was said. */
  until(providerId: string): number {
    return this.#until.get(providerId) ?? 0;
  }
}
