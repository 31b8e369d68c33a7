import { html, nothing, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import type { Chat } from '../app/chat.ts';
import { offerComposer } from './focus.ts';

/** Says when another tab writes an answer in the open chat, and how to go on here. */
export function tabNotice(app: App): TemplateResult {
  const { chat } = app;
  return html`<div role="status">
    ${app.place !== 'chat' || chat === null || chat.readOnly ? nothing : words(app, chat)}
  </div>`;
}

function words(app: App, chat: Chat): TemplateResult | typeof nothing {
  if (chat.view.writer === 'blocked') {
    return notice(
      html`<p>
        Another tab is frozen in the middle of saving, so nothing can be saved here for now. This tab goes on
        by itself as soon as that one lets go; closing that one helps.
      </p>`,
    );
  }
  if (!chat.runsElsewhere) return nothing;
  if (chat.refused === null) {
    return notice(
      html`<p>
        Another tab is writing this chat. What it does shows up here as it happens, and what you send here is
        answered next.
      </p>`,
      takeOver(app, false),
    );
  }
  return notice(
    html`<p>
      The other tab is in the middle of an answer and keeps the chat until it is done. If you take over
      anyway, this tab goes on with that answer from its last finished step.
    </p>`,
    takeOver(app, true),
  );
}

function notice(text: TemplateResult, button?: TemplateResult): TemplateResult {
  return html`<div class="notice" data-testid="tab-notice">
    <div class="notice-text">${text}</div>
    ${button ?? nothing}
  </div>`;
}

function takeOver(app: App, force: boolean): TemplateResult {
  const run = () => {
    app.notices.run(app.takeOver(force));
    offerComposer();
  };
  return html`<button
    type="button"
    class="quiet-button"
    data-testid=${force ? 'take-over-anyway' : 'take-over'}
    @click=${run}
  >
    ${force ? 'Take over anyway' : 'Take over'}
  </button>`;
}
