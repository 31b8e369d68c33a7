/** What the page looks like: as the system does, or as chosen here. */
export type ThemeChoice = 'system' | 'light' | 'dark';

const KEY = 'lash-demo.theme';
const ORDER: readonly ThemeChoice[] = ['system', 'light', 'dark'];

/** The page's theme; the choice outlives the page. */
export class Theme {
  choice: ThemeChoice;
  private readonly changed: () => void;

  constructor(changed: () => void) {
    this.changed = changed;
    const stored = localStorage.getItem(KEY);
    this.choice = ORDER.find((choice) => choice === stored) ?? 'system';
    document.documentElement.dataset['theme'] = this.choice;
  }

  set(choice: ThemeChoice): void {
    this.choice = choice;
    document.documentElement.dataset['theme'] = choice;
    localStorage.setItem(KEY, choice);
    this.changed();
  }

  /** System, light, dark, and around again. */
  next(): void {
    this.set(ORDER[(ORDER.indexOf(this.choice) + 1) % ORDER.length] ?? 'system');
  }
}
