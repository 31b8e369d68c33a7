import type { TurnWait } from 'lash-web';
import { html, nothing, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import type { Chat } from '../app/chat.ts';
import { clockTime } from '../app/format.ts';
import { offerComposer } from './focus.ts';

/** What the turn waits for, and how to bring it where the reader can. */
export function turnWaits(waits: readonly TurnWait[], chat: Chat, app: App): TemplateResult {
  return html`<div role="status">
    ${waits.map(
      (wait) =>
        html`<div class="notice" data-testid="turn-wait" data-kind=${wait.kind}>
          <div class="notice-text"><p>${words(wait)}</p></div>
          ${way(wait, chat, app)}
        </div>`,
    )}
  </div>`;
}

function words(wait: TurnWait): string {
  switch (wait.kind) {
    case 'approval':
      return `The model asks to run ${wait.tool} with ${JSON.stringify(wait.args)}.`;
    case 'page-tool':
      return `The model asked for ${wait.tool}, which no open tab offers. It goes on when one does.`;
    case 'provider':
      return `No open tab offers the model of this chat (${wait.provider}). The answer goes on by itself when one does.`;
    case 'credentials':
      return 'The model server needs an API key. Keys are never saved, so enter it again in the settings; the answer then goes on by itself.';
    case 'offline':
      return 'There is no connection. The answer goes on by itself when there is one.';
    case 'rate-limit':
      return `The model server takes no more requests until ${clockTime(wait.until)}. The answer goes on by itself then.`;
    case 'storage':
      return wait.code === 'StorageFull'
        ? 'The browser has no space left to save the answer. Delete what you do not need; it then goes on by itself.'
        : 'The answer cannot be saved for now. It goes on by itself when it can be.';
  }
}

function way(wait: TurnWait, chat: Chat, app: App): TemplateResult | typeof nothing {
  if (wait.kind === 'credentials')
    return html`<button type="button" class="button" @click=${() => app.openSettings()}>Settings</button>`;
  if (wait.kind !== 'approval') return nothing;
  const answer = (approve: boolean) => () => {
    app.notices.run(
      chat.session.answer(
        wait.requestId,
        approve ? { approve } : { approve, reason: 'declined by the reader' },
      ),
    );
    offerComposer();
  };
  return html`<button type="button" class="button" data-testid="approve" @click=${answer(true)}>Allow</button>
    <button type="button" class="quiet-button" data-testid="decline" @click=${answer(false)}>
      Decline
    </button>`;
}
