import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';

import type { App } from '../app/app.ts';
import { PRESETS, type ModelChoice } from '../app/model-choice.ts';
import type { Settings } from '../app/settings.ts';
import { iconButton } from './button.ts';
import { closeDialog, modal } from './modal.ts';

/** Which model answers. A key stays in memory; everything else is kept with the chat. */
export function settingsDialog(app: App): TemplateResult {
  const { panels, settings } = app;
  const { choice } = settings;
  const close = () => panels.show('settings', false);
  return html`<dialog
    class="dialog"
    aria-labelledby="settings-title"
    data-testid="settings-dialog"
    @close=${close}
    ${modal(panels.settings)}
  >
    <form @submit=${(event: SubmitEvent) => save(app, event)}>
      <div class="dialog-head">
        <h2 id="settings-title">Settings</h2>
        ${iconButton({ icon: 'close', label: 'Close settings', testId: 'settings-close', onClick: close })}
      </div>
      <label class="field">
        <span>Model</span>
        <select
          name="provider"
          data-testid="provider-select"
          autofocus
          @change=${(event: Event) =>
            settings.change({
              provider: (event.currentTarget as HTMLSelectElement).value as ModelChoice['provider'],
            })}
        >
          <option value="builtin" .selected=${choice.provider === 'builtin'}>Built-in, works offline</option>
          ${chromeOption(settings)}
          <option value="openai-compatible" .selected=${choice.provider === 'openai-compatible'}>
            OpenAI-compatible server
          </option>
        </select>
        <span class="hint"> ${hint(settings)} </span>
      </label>
      ${choice.provider === 'openai-compatible' ? serverFields(app, choice) : nothing}
      <div class="dialog-buttons">
        <p class="hint">Holds for ${app.chat === null ? 'new chats' : 'this chat and for new ones'}.</p>
        <button type="button" class="button" @click=${close}>Cancel</button>
        <button type="submit" class="button is-main" data-testid="settings-save">Save</button>
      </div>
    </form>
  </dialog>`;
}

/** Chrome's own model is a choice where the browser has it, or where it was chosen before. */
function chromeOption({ choice, chrome }: Settings): TemplateResult | typeof nothing {
  const isChosen = choice.provider === 'chrome';
  if (chrome.availability === 'unavailable' && !isChosen) return nothing;
  const state = chrome.availability === 'downloadable' ? ', needs a download' : '';
  return html`<option value="chrome" .selected=${isChosen}>Chrome’s own, on this device${state}</option>`;
}

function hint({ choice, chrome }: Settings): string {
  switch (choice.provider) {
    case 'builtin':
      return 'A small program, not a language model: it shows how chats, tools and branches work.';
    case 'openai-compatible':
      return 'The server must allow requests from this page (CORS). Messages go there and nowhere else.';
    case 'chrome':
      return `${CHROME_STATES[chrome.availability]} Messages stay on this device. It reads only so much and cannot use the tools of this page.`;
  }
}

const CHROME_STATES = {
  available: 'It is ready.',
  downloadable: 'Chrome downloads it with your first message: several gigabytes, which takes a while.',
  downloading: 'Chrome is downloading it; the first answer comes when that is done.',
  unavailable: 'This browser or this device does not have it: choose another model.',
} as const;

function serverFields(app: App, choice: ModelChoice): TemplateResult {
  const { settings } = app;
  const text = (event: Event) => (event.currentTarget as HTMLInputElement).value;
  return html`<div class="field">
      <label for="base-url">Address</label>
      <input
        id="base-url"
        name="base-url"
        type="url"
        required
        data-testid="base-url"
        placeholder="https://…/v1"
        pattern="https?://.+"
        title="An address that begins with http:// or https://"
        .value=${live(choice.baseUrl)}
        @input=${(event: Event) => settings.change({ baseUrl: text(event) })}
      />
      <div class="presets">
        ${PRESETS.map(
          ({ name, baseUrl }) =>
            html`<button
              type="button"
              class="quiet-button"
              data-testid="preset"
              @click=${() => settings.change({ baseUrl })}
            >
              ${name}
            </button>`,
        )}
      </div>
    </div>
    <label class="field">
      <span>Name of the model</span>
      <input
        name="model"
        required
        data-testid="model-name"
        placeholder="as the server calls it"
        autocomplete="off"
        .value=${live(choice.model)}
        @input=${(event: Event) => settings.change({ model: text(event) })}
      />
    </label>
    <label class="field">
      <span>API key, if the server wants one</span>
      <input
        name="key"
        type="password"
        data-testid="api-key"
        autocomplete="off"
        spellcheck="false"
        placeholder=${settings.hasKey ? 'kept in memory; leave empty to keep it' : ''}
        .value=${live(settings.key)}
        @input=${(event: Event) => settings.typeKey(text(event))}
      />
      <span class="hint">Stays in memory until this page is closed. It is never saved, shown or traced.</span>
    </label>
    <label class="field">
      <span>Context size in tokens, if you know it</span>
      <input
        name="context"
        type="number"
        min="512"
        step="1"
        data-testid="context-tokens"
        placeholder="8192"
        .value=${live(choice.contextTokens)}
        @input=${(event: Event) => settings.change({ contextTokens: text(event) })}
      />
    </label>`;
}

function save(app: App, event: SubmitEvent): void {
  event.preventDefault();
  closeDialog(event);
  app.notices.run(app.saveSettings());
}
