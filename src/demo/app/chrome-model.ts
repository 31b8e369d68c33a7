import type { RuntimeClient } from 'lash-web';
import { type ChromeAvailability, chromeAvailability, chromeProvider } from 'lash-web/providers/chrome';

/** The id under which this page offers Chrome's built-in model. */
export const CHROME = 'chrome';

/** The language of this page. Chrome warns of every request that does not say in which language it is to answer. */
const LANGUAGES = { languages: ['en'] };

/** The model that is built into Chrome, as far as this browser has it. */
export class ChromeModel {
  availability: ChromeAvailability = 'unavailable';
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Asks the browser whether it is there; that downloads nothing. */
  async look(): Promise<void> {
    this.availability = await chromeAvailability(LANGUAGES);
    this.#changed();
  }
}

/** Offers it where the browser knows of such a thing, also where it may not run: the model itself says so best. */
export async function offerChromeModel(client: RuntimeClient): Promise<void> {
  if ('LanguageModel' in globalThis) await client.offerProvider(CHROME, chromeProvider(LANGUAGES));
}
