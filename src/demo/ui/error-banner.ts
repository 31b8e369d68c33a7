import { html, nothing, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import { iconButton } from './button.ts';
import { offerComposer } from './focus.ts';

/** What went wrong, in plain words, and the way out where there is one. */
export function errorBanner(app: App): TemplateResult {
  const advice = app.notices.current;
  return html`<div class="error-place" role="alert">
    ${
      advice === null
        ? nothing
        : html`<div class="error-banner" data-testid="error" data-code=${advice.code}>
            <div class="error-text">
              <p>${advice.text}</p>
              ${
                advice.detail === undefined
                  ? nothing
                  : html`<details>
                      <summary>Details</summary>
                      <p class="error-detail">${advice.detail}</p>
                    </details>`
              }
              ${app.notices.offers.length === 0 ? nothing : offers(app)}
            </div>
            ${
              advice.inSettings
                ? html`<button type="button" class="button" @click=${() => app.openSettings()}>
                    Settings
                  </button>`
                : nothing
            }
            ${iconButton({
              icon: 'close',
              label: 'Dismiss',
              testId: 'error-dismiss',
              onClick: () => {
                app.notices.dismiss();
                offerComposer();
              },
            })}
          </div>`
    }
  </div>`;
}

function offers({ notices }: App): TemplateResult {
  return html`<div class="error-offers">
    ${notices.offers.map(
      ({ label, testId, accept }) =>
        html`<button type="button" class="button" data-testid=${testId} @click=${() => notices.run(accept())}>
          ${label}
        </button>`,
    )}
  </div>`;
}
