import { html, nothing, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import { cancelEdit, composer, WISHED } from './composer.ts';
import { conversation } from './conversation.ts';
import { damageNotice } from './damage-notice.ts';
import { deleteDialog } from './delete-dialog.ts';
import { closeDrawers } from './drawer.ts';
import { errorBanner } from './error-banner.ts';
import { fileDrop } from './file-drop.ts';
import { header } from './header.ts';
import { importFiles } from './import-button.ts';
import { kitView } from './kit-view.ts';
import { planPanel } from './plan-panel.ts';
import { queueList } from './queue-list.ts';
import { settingsDialog } from './settings-dialog.ts';
import { sidebar } from './sidebar.ts';
import type { StickyScroll } from './sticky-scroll.ts';
import { storageView } from './storage-view.ts';
import { tabNotice } from './tab-notice.ts';
import { tasksPanel } from './tasks-panel.ts';
import { tracePanel } from './trace-panel.ts';
import { updateNotice } from './update-notice.ts';
import { warningNotice } from './warning-notice.ts';

/** The areas that follow what grows in them. */
export interface Scrolls {
  readonly conversation: StickyScroll;
  readonly trace: StickyScroll;
}

/** The whole page. */
export function page(app: App, scrolls: Scrolls): TemplateResult {
  const { panels } = app;
  const inChat = app.place === 'chat';
  const drop = fileDrop((files) => (inChat ? app.notices.run(app.attach(files)) : importFiles(app, files)));
  return html`<div
      class="page ${panels.trace && inChat ? 'with-trace' : ''}"
      @keydown=${(event: KeyboardEvent) => {
        if (event.key === 'Escape') escape(app);
      }}
    >
      <header class="visually-hidden"><h1>lash-web</h1></header>
      ${
        inChat
          ? html`<a class="skip-link" href="#composer-text" @click=${skipToComposer}
              >Skip to the message field</a
            >`
          : nothing
      }
      ${sidebar(app)}
      <main
        class="main"
        ?inert=${panels.covered}
        @dragover=${drop.over}
        @dragleave=${drop.leave}
        @drop=${drop.drop}
      >
        ${header(app)}
        <div>
          ${errorBanner(app)} ${updateNotice(app)} ${warningNotice(app)} ${tabNotice(app)}
          ${damageNotice(app)}
        </div>
        ${
          inChat
            ? html`<div class="conversation">${conversation(app, scrolls.conversation)}</div>
                <div class="composer-place">
                  ${tasksPanel(app)} ${planPanel(app)} ${queueList(app)} ${composer(app)}
                </div>`
            : html`<div class="conversation">
                ${app.place === 'storage' ? storageView(app) : kitView(app)}
              </div>`
        }
        <p class="drop-note" aria-hidden="true">
          ${inChat ? 'Drop pictures or text files to attach them' : 'Drop an exported chat to import it'}
        </p>
      </main>
      ${inChat ? tracePanel(app, scrolls.trace) : nothing}
      ${panels.covered ? html`<div class="backdrop" @click=${() => closeDrawers(app)}></div>` : nothing}
    </div>
    <div class="visually-hidden" role="status" aria-live="polite" data-testid="announcement">
      ${app.wished ? WISHED : (app.chat?.announcement ?? '')}
    </div>
    ${settingsDialog(app)} ${deleteDialog(app)}`;
}

/** Leaves what one is in: a drawer, or the editing of a message. */
function escape(app: App): void {
  if (app.panels.covered) closeDrawers(app);
  else if (app.draft.editing !== null) cancelEdit(app);
}

function skipToComposer(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('#composer-text')?.focus();
}
