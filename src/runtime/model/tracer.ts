import type { Clock } from '../../contract/clock.ts';
import type { RuntimeEnvironment } from '../../contract/environment.ts';
import {
  mergeTraceContext,
  type TraceContext,
  type TraceEvent,
  type TraceRecord,
} from '../../contract/trace.ts';
import type { SecretVault } from '../secrets.ts';

/** What a tracer takes from an environment. */
export type TraceSettings = Pick<RuntimeEnvironment, 'traceSink' | 'traceLevel' | 'traceContext'>;

/**
 * Writes a session's trace records. It never fails a turn: a sink that throws is counted in `failures` (law TR2). What
 * it writes holds no registered secret (law SE1).
 */
export class Tracer {
  readonly #settings: TraceSettings;
  readonly #clock: Clock;
  readonly #secrets: SecretVault;
  #failures = 0;

  constructor(settings: TraceSettings, clock: Clock, secrets: SecretVault) {
    this.#settings = settings;
    this.#clock = clock;
    this.#secrets = secrets;
  }

  /** Whether anything is traced; callers skip the work of building events when not. */
  get on(): boolean {
    return this.#settings.traceSink !== null;
  }

  /** Whether stream events are traced too. */
  get extended(): boolean {
    return this.on && this.#settings.traceLevel === 'extended';
  }

  /** How many records the sink refused by throwing. */
  get failures(): number {
    return this.#failures;
  }

  write(context: TraceContext, event: TraceEvent): void {
    const { traceSink, traceContext } = this.#settings;
    if (traceSink === null) return;
    const record: TraceRecord = {
      schema_version: 2,
      id: this.#clock.newId(),
      timestamp: new Date(this.#clock.now()).toISOString(),
      context: mergeTraceContext(traceContext, context),
      ...event,
    };
    try {
      traceSink.append(this.#secrets.redactJson(record));
    } catch {
      this.#failures++;
    }
  }

  /** Resolves when what was written before is where it belongs. */
  async flush(): Promise<void> {
    try {
      await this.#settings.traceSink?.flush();
    } catch {
      this.#failures++;
    }
  }
}
