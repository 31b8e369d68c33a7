import { ChromeModel } from './chrome-model.ts';
import type { Keys } from './keys.ts';
import { BUILTIN, type ModelChoice } from './model-choice.ts';

/** What stands in the settings while they are open. */
export class Settings {
  choice: ModelChoice = BUILTIN;
  /** The key that is being typed. */
  key = '';
  readonly chrome: ChromeModel;
  readonly #keys: Keys;
  readonly #changed: () => void;

  constructor(keys: Keys, changed: () => void) {
    this.#keys = keys;
    this.#changed = changed;
    this.chrome = new ChromeModel(changed);
  }

  /** Whether the server in question was given a key already. */
  get hasKey(): boolean {
    return URL.canParse(this.choice.baseUrl) && this.#keys.nameFor(this.choice) !== undefined;
  }

  /** Fills the form anew. */
  begin(choice: ModelChoice): void {
    this.choice = choice;
    this.key = '';
    this.#changed();
  }

  change(part: Partial<ModelChoice>): void {
    this.choice = { ...this.choice, ...part };
    this.#changed();
  }

  typeKey(key: string): void {
    this.key = key;
    this.#changed();
  }
}
