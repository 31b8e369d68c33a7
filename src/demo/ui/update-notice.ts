import { html, nothing, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';

/** Says that a newer build of the app is there. */
export function updateNotice({ offline }: App): TemplateResult {
  return html`<div role="status">
    ${
      offline.updateReady
        ? html`<div class="notice" data-testid="update">
            <p class="notice-text">
              A newer version of this app is ready. It is used once all tabs of the app are closed.
            </p>
            <button type="button" class="quiet-button" @click=${() => offline.update()}>
              Reload all tabs now
            </button>
          </div>`
        : nothing
    }
  </div>`;
}
