import type { SessionEvent } from '../core/event.ts';

/** Receives a session's events, in order. */
export type SessionListener = (event: SessionEvent) => void;

/**
 * Tells a session's events to whoever listens. A listener that throws disturbs neither the others nor the engine: what
 * it threw surfaces as an unhandled error of the platform.
 */
export class Feed {
  readonly #listeners = new Set<SessionListener>();

  subscribe(listener: SessionListener): () => void {
    const entry: SessionListener = (event) => listener(event);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  emit(event: SessionEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
