import { html, nothing, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import { cancelEdit, composer } from './composer.ts';
import { conversation } from './conversation.ts';
import { deleteDialog } from './delete-dialog.ts';
import { closeDrawers } from './drawer.ts';
import { errorBanner } from './error-banner.ts';
import { header } from './header.ts';
import { settingsDialog } from './settings-dialog.ts';
import { sidebar } from './sidebar.ts';
import type { StickyScroll } from './sticky-scroll.ts';
import { tracePanel } from './trace-panel.ts';
import { warningNotice } from './warning-notice.ts';

/** The areas that follow what grows in them. */
export interface Scrolls {
  readonly conversation: StickyScroll;
  readonly trace: StickyScroll;
}

/** The whole page. */
export function page(app: App, scrolls: Scrolls): TemplateResult {
  const { panels } = app;
  return html`<div
      class="page ${panels.trace ? 'with-trace' : ''}"
      @keydown=${(event: KeyboardEvent) => {
        if (event.key === 'Escape') escape(app);
      }}
    >
      <header class="visually-hidden"><h1>lash-web</h1></header>
      <a class="skip-link" href="#composer-text" @click=${skipToComposer}>Skip to the message field</a>
      ${sidebar(app)}
      <main
        class="main"
        ?inert=${panels.covered}
        @dragover=${onDragOver}
        @dragleave=${onDragEnd}
        @drop=${(event: DragEvent) => onDrop(app, event)}
      >
        ${header(app)}
        <div>${errorBanner(app)} ${warningNotice(app)}</div>
        <div class="conversation">${conversation(app, scrolls.conversation)}</div>
        <div class="composer-place">${composer(app)}</div>
        <p class="drop-note" aria-hidden="true">Drop pictures or text files to attach them</p>
      </main>
      ${tracePanel(app, scrolls.trace)}
      ${panels.covered ? html`<div class="backdrop" @click=${() => closeDrawers(app)}></div>` : nothing}
    </div>
    <div class="visually-hidden" role="status" aria-live="polite" data-testid="announcement">
      ${app.chat?.announcement ?? ''}
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

function onDragOver(event: DragEvent): void {
  if (event.dataTransfer?.types.includes('Files') !== true) return;
  event.preventDefault();
  (event.currentTarget as Element).classList.add('is-dropping');
}

function onDragEnd(event: DragEvent): void {
  const area = event.currentTarget as Element;
  if (!area.contains(event.relatedTarget as Node | null)) area.classList.remove('is-dropping');
}

function onDrop(app: App, event: DragEvent): void {
  (event.currentTarget as Element).classList.remove('is-dropping');
  const files = [...(event.dataTransfer?.files ?? [])];
  if (files.length === 0) return;
  event.preventDefault();
  app.notices.run(app.attach(files));
}
