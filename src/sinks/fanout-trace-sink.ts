import type { TraceRecord, TraceSink } from '../contract/trace.ts';

/** Gives every record to several sinks. One that fails does not keep the others from it. */
export class FanoutTraceSink implements TraceSink {
  /** The sinks, so that a reader of the trace can be found among them. */
  readonly sinks: readonly TraceSink[];
  #failures = 0;

  constructor(sinks: Iterable<TraceSink>) {
    this.sinks = Object.freeze([...sinks]);
  }

  /** How often a sink refused a record by throwing. */
  get failures(): number {
    return this.#failures;
  }

  append(record: TraceRecord): void {
    for (const sink of this.sinks) {
      try {
        sink.append(record);
      } catch {
        this.#failures++;
      }
    }
  }

  /** Waits for all of them. @throws what the first one threw that did, once all are done */
  async flush(): Promise<void> {
    await all(this.sinks.map((sink) => sink.flush()));
  }

  /** Deletes the session in all that keep something. @throws what the first one threw that did, once all are done */
  async deleteSession(sessionId: string): Promise<void> {
    await all(this.sinks.flatMap((sink) => sink.deleteSession?.(sessionId) ?? []));
  }

  /** Closes all of them. @throws what the first one threw that did, once all are done */
  async close(): Promise<void> {
    await all(this.sinks.map((sink) => sink.close()));
  }
}

async function all(promises: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(promises);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
