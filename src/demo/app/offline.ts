const SCRIPT = 'service-worker.js';

/**
 * The service worker that lets the app run without a network. A newer build waits beside the one that is in use until
 * every tab is closed, or until a person asks for it: then all tabs load it, so that no tab mixes two builds.
 */
export class Offline {
  /** Whether a newer build waits. */
  updateReady = false;
  #waiting: ServiceWorker | null = null;
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Registers the service worker, where the browser has them. */
  async begin(): Promise<void> {
    const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
    if (workers === undefined) return;
    let controlled = workers.controller !== null;
    workers.addEventListener('controllerchange', () => {
      if (controlled) location.reload();
      controlled = true;
    });
    await workers.register(SCRIPT);
    const registration = await workers.getRegistration();
    if (registration === undefined) return;
    this.#look(registration);
    registration.addEventListener('updatefound', () => {
      registration.installing?.addEventListener('statechange', () => this.#look(registration));
    });
  }

  /** Uses the newer build in every tab of the app. */
  update(): void {
    this.#waiting?.postMessage('activate');
  }

  #look({ waiting, active }: ServiceWorkerRegistration): void {
    if (waiting === null || active === null) return;
    this.#waiting = waiting;
    this.updateReady = true;
    this.#changed();
  }
}
