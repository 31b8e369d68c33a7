const NEAR_PX = 60;

/** Keeps a scrolled area at its end while it grows, until the reader scrolls away from there. */
export class StickyScroll {
  atEnd = true;
  #area: Element | undefined;
  readonly #changed: () => void;
  readonly #sizes: ResizeObserver;

  constructor(changed: () => void) {
    this.#changed = changed;
    this.#sizes = new ResizeObserver(() => {
      if (this.atEnd) this.toEnd();
    });
  }

  /** For lit's `ref`. */
  readonly attach = (area: Element | undefined): void => {
    if (area === this.#area) return;
    this.#sizes.disconnect();
    this.#area?.removeEventListener('scroll', this.#onScroll);
    this.#area = area;
    if (area === undefined) return;
    area.addEventListener('scroll', this.#onScroll, { passive: true });
    this.#sizes.observe(area);
    if (area.firstElementChild !== null) this.#sizes.observe(area.firstElementChild);
  };

  /** Goes to the end and stays there. */
  stick(): void {
    this.atEnd = true;
    this.toEnd();
  }

  readonly toEnd = (): void => {
    this.#area?.scrollTo({ top: this.#area.scrollHeight, behavior: 'instant' });
  };

  /** Shows again what is shown now, once the next frame has put something above it. Call it before that frame. */
  keepPlace(): void {
    const area = this.#area;
    if (area === undefined) return;
    const below = area.scrollHeight - area.scrollTop;
    requestAnimationFrame(() => area.scrollTo({ top: area.scrollHeight - below, behavior: 'instant' }));
  }

  /** Puts the focus on the area itself, without moving anything. */
  focus(): void {
    if (this.#area instanceof HTMLElement) this.#area.focus({ preventScroll: true });
  }

  readonly #onScroll = (): void => {
    const area = this.#area;
    if (area === undefined) return;
    const atEnd = area.scrollHeight - area.scrollTop - area.clientHeight < NEAR_PX;
    if (atEnd === this.atEnd) return;
    this.atEnd = atEnd;
    this.#changed();
  };
}
