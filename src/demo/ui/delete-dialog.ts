import { html, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import { byteCount } from '../app/format.ts';
import { focusSession } from './focus.ts';
import { closeDialog, modal } from './modal.ts';

/** Asks before a chat is deleted for good. */
export function deleteDialog(app: App): TemplateResult {
  const session = app.sessions.deleting;
  const cancel = () => app.sessions.askToDelete(null);
  const confirm = (event: Event) => {
    if (session === null) return;
    closeDialog(event);
    app.notices.run(
      app.delete(session.sessionId).then(() => focusSession(session.sessionId, 'delete-session')),
    );
  };
  return html`<dialog
    class="dialog is-small"
    aria-labelledby="delete-title"
    data-testid="delete-dialog"
    @close=${cancel}
    ${modal(session !== null)}
  >
    <h2 id="delete-title">Delete this chat?</h2>
    <p>
      “${session?.title ?? ''}” and all its branches (${byteCount(session?.bytes ?? 0)}) will be gone for
      good. This cannot be undone.
    </p>
    <div class="dialog-buttons">
      <button type="button" class="button" data-testid="cancel-delete" @click=${cancel}>Keep it</button>
      <button type="button" class="button is-danger" data-testid="confirm-delete" @click=${confirm}>
        Delete
      </button>
    </div>
  </dialog>`;
}
