const PHONE = '(max-width: 760px)';
const TABLET = '(max-width: 1160px)';

/** Which parts of the page are open beside the conversation. Where there is no room they lie over it as drawers. */
export class Panels {
  sidebar = false;
  trace: boolean;
  settings = false;
  readonly #phone = matchMedia(PHONE);
  readonly #tablet = matchMedia(TABLET);
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
    this.trace = !this.#tablet.matches;
    this.#phone.addEventListener('change', changed);
    this.#tablet.addEventListener('change', () => {
      if (this.#tablet.matches) this.trace = false;
      changed();
    });
  }

  /** Whether the list of chats is a drawer. */
  get sidebarIsDrawer(): boolean {
    return this.#phone.matches;
  }

  /** Whether the trace is a drawer. */
  get traceIsDrawer(): boolean {
    return this.#tablet.matches;
  }

  /** Whether a drawer lies over the conversation. */
  get covered(): boolean {
    return (this.sidebar && this.sidebarIsDrawer) || (this.trace && this.traceIsDrawer);
  }

  show(panel: 'sidebar' | 'trace' | 'settings', open: boolean): void {
    this[panel] = open;
    this.#changed();
  }

  /** Puts the drawers away. */
  uncover(): void {
    if (!this.covered) return;
    if (this.sidebarIsDrawer) this.sidebar = false;
    if (this.traceIsDrawer) this.trace = false;
    this.#changed();
  }
}
