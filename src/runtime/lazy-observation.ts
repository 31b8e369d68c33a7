import type { Clock } from '../contract/clock.ts';
import { loadModule } from '../contract/load-module.ts';
import type { Observed } from '../core/event-log.ts';
import type { SessionView } from '../core/view.ts';
import type { Feed } from './feed.ts';
import type { SessionObservation } from './observation.ts';

/** The observation of a session, loaded with the first observer. */
export class LazyObservation {
  readonly #parts: { readonly clock: Clock; readonly feed: Feed };
  readonly #view: () => SessionView;
  #observation: SessionObservation | undefined;

  constructor(parts: { readonly clock: Clock; readonly feed: Feed }, view: () => SessionView) {
    this.#parts = parts;
    this.#view = view;
  }

  /** @throws `InvalidInput` for what is not a cursor */
  async *observe(cursor?: string): AsyncGenerator<Observed, void, undefined> {
    const { clock, feed } = this.#parts;
    const { SessionObservation: Observation } = await loadModule('observation', import('./observation.ts'));
    this.#observation ??= new Observation({ incarnation: clock.newId(), feed, view: this.#view });
    yield* this.#observation.observe(cursor);
  }

  /** The session is closed. */
  end(): void {
    this.#observation?.end();
  }
}
