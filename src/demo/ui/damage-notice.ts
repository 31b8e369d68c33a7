import { html, nothing, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';

/** Says of a damaged chat what is shown of it. */
export function damageNotice(app: App): TemplateResult | typeof nothing {
  const { chat } = app;
  if (app.place !== 'chat' || chat === null || !chat.readOnly) return nothing;
  const whole = chat.view.window.start + chat.view.window.nodes.length;
  return html`<div class="notice" data-testid="damage-notice">
    <p class="notice-text">
      ${
        whole === 0
          ? 'This chat is damaged from its first message on, so there is nothing to show.'
          : 'This chat is damaged behind the last message that you see. It is open for reading only; nothing was changed.'
      }
    </p>
    <button
      type="button"
      class="quiet-button"
      data-testid="export-sound"
      @click=${() => app.notices.run(app.transfers.exportShown(chat.session))}
    >
      Export what can be read
    </button>
  </div>`;
}
