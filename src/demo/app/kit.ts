import { deleteKitDatabases } from '../kit/databases.ts';
import { KIT_LOCK, type KitMessage, type KitResult, type KitTask } from '../kit/message.ts';

/** The kit of conformance suites, run in this browser by a worker of its own. */
export class Kit {
  state: 'idle' | 'running' | 'done' | 'stopped' | 'busy' = 'idle';
  task: KitTask = 'conformance';
  total = 0;
  results: readonly KitResult[] = [];
  #worker: Worker | null = null;
  readonly #changed: () => void;
  readonly #failed: (error: unknown) => void;

  constructor(changed: () => void, failed: (error: unknown) => void) {
    this.#changed = changed;
    this.#failed = failed;
  }

  count(outcome: KitResult['outcome']): number {
    return this.results.filter((result) => result.outcome === outcome).length;
  }

  /** Runs the suites on this browser's storage, or on broken stores. */
  run(task: KitTask): void {
    this.#worker?.terminate();
    const worker = new Worker(new URL('../kit.worker.ts', import.meta.url), { type: 'module' });
    this.#worker = worker;
    this.task = task;
    this.total = 0;
    this.results = [];
    this.#become('running');
    worker.addEventListener('message', ({ data }: MessageEvent<KitMessage>) => this.#take(data));
    worker.addEventListener('error', (event) => {
      this.#end('stopped');
      this.#failed(new Error(event.message));
    });
    worker.postMessage(task);
  }

  /** Ends a run, and throws its databases away once its worker is gone: until then it may still make some. */
  async stop(): Promise<void> {
    this.#worker?.terminate();
    await navigator.locks.request(KIT_LOCK, deleteKitDatabases);
    this.#end('stopped');
  }

  #take(message: KitMessage): void {
    if (message.kind === 'plan') this.total = message.total;
    else if (message.kind === 'result') this.results = [...this.results, message.result];
    else return this.#end(message.kind);
    this.#changed();
  }

  #end(state: 'done' | 'stopped' | 'busy'): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#become(state);
  }

  #become(state: Kit['state']): void {
    this.state = state;
    this.#changed();
  }
}
