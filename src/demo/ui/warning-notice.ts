import { html, nothing, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import { iconButton } from './button.ts';
import { offerComposer } from './focus.ts';

/** What the runtime warned of while it answered. Nothing failed, so it is said quietly. */
export function warningNotice(app: App): TemplateResult {
  const { warnings } = app;
  return html`<div role="status">
    ${
      warnings.length === 0
        ? nothing
        : html`<div class="warning-notice" data-testid="warning">
            <div class="warning-text">${warnings.map((warning) => html`<p>${warning}</p>`)}</div>
            ${iconButton({
              icon: 'close',
              label: 'Dismiss',
              testId: 'warning-dismiss',
              onClick: () => {
                app.dismissWarnings();
                offerComposer();
              },
            })}
          </div>`
    }
  </div>`;
}
