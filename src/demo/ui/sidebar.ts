import type { SessionSummary } from 'lash-web';
import { html, nothing, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { repeat } from 'lit/directives/repeat.js';

import type { App } from '../app/app.ts';
import { byteCount, timeAgo } from '../app/format.ts';
import { iconButton } from './button.ts';
import { closeDrawer } from './drawer.ts';
import { fileDrop } from './file-drop.ts';
import { offerComposer, focusSession } from './focus.ts';
import { icon } from './icons.ts';
import { importButton, importFiles } from './import-button.ts';

/** The list of chats. */
export function sidebar(app: App): TemplateResult {
  const { panels, sessions } = app;
  const now = Date.now();
  const importDrop = fileDrop((files) => importFiles(app, files));
  return html`<nav
    class="sidebar ${panels.sidebar ? 'is-open' : ''}"
    id="sidebar"
    aria-label="Chats"
    ?inert=${panels.sidebarIsDrawer && !panels.sidebar}
    @dragover=${importDrop.over}
    @dragleave=${importDrop.leave}
    @drop=${importDrop.drop}
  >
    <div class="sidebar-head">
      <p class="brand" aria-hidden="true">lash<span>web</span></p>
      ${
        panels.sidebarIsDrawer
          ? iconButton({ icon: 'close', label: 'Close the list', onClick: () => closeDrawer(app, 'sidebar') })
          : nothing
      }
    </div>
    <button
      type="button"
      class="button new-session"
      data-testid="new-session"
      ?disabled=${app.connection.state !== 'ready'}
      @click=${() => {
        app.notices.run(app.create().then(offerComposer));
      }}
    >
      ${icon('plus')} New chat
    </button>
    ${
      sessions.items.length === 0
        ? html`<p class="muted no-sessions" ?hidden=${app.connection.state !== 'ready'}>
            Your chats will be listed here. They stay in this browser.
          </p>`
        : nothing
    }
    <ul class="session-list">
      ${repeat(
        sessions.items,
        (session) => session.sessionId,
        (session) => item(app, session, now),
      )}
    </ul>
    <div class="sidebar-foot">
      ${importButton(app)}
      <a
        class="foot-button"
        href="#storage"
        data-testid="open-storage"
        aria-current=${app.place === 'storage' ? 'page' : nothing}
        >${icon('storage')} Storage</a
      >
    </div>
  </nav>`;
}

function item(app: App, session: SessionSummary, now: number): TemplateResult {
  const { sessionId, title } = session;
  const open = app.place === 'chat' && app.chat?.id === sessionId;
  return html`<li
    class="session-item ${open ? 'is-open' : ''}"
    data-testid="session-item"
    data-session-id=${sessionId}
  >
    ${
      app.sessions.renaming === sessionId
        ? renameField(app, session)
        : html`<a
              href="#session=${encodeURIComponent(sessionId)}"
              aria-current=${open ? 'page' : nothing}
              title=${title}
            >
              <span class="session-title">${title === '' ? 'Untitled' : title}</span>
              <span class="session-meta"
                >${
                  session.damage === undefined
                    ? html`${timeAgo(session.updatedAt, now)} · ${byteCount(session.bytes)}`
                    : html`<span class="session-damage" title=${session.damage}>Damaged</span>`
                }</span
              >
            </a>
            <span class="session-actions">
              ${iconButton({
                icon: 'edit',
                label: `Rename ${title}`,
                testId: 'rename-session',
                onClick: () => app.sessions.startRenaming(sessionId),
              })}
              ${iconButton({
                icon: 'trash',
                label: `Delete ${title}`,
                testId: 'delete-session',
                onClick: () => app.sessions.askToDelete(session),
              })}
            </span>`
    }
  </li>`;
}

function renameField(app: App, { sessionId, title }: SessionSummary): TemplateResult {
  const finish = (field: HTMLInputElement) => {
    if (app.sessions.renaming !== null) app.notices.run(app.sessions.rename(field.value));
  };
  const onKey = (event: KeyboardEvent) => {
    const field = event.currentTarget as HTMLInputElement;
    if (event.key === 'Enter' && !event.isComposing) finish(field);
    if (event.key === 'Escape') app.sessions.startRenaming(null);
    if (event.key !== 'Enter' && event.key !== 'Escape') return;
    event.stopPropagation();
    focusSession(sessionId, 'rename-session');
  };
  return html`<input
    class="rename-field"
    data-testid="rename-input"
    aria-label="Title of the chat"
    maxlength="200"
    .value=${title}
    @keydown=${onKey}
    @blur=${(event: FocusEvent) => finish(event.currentTarget as HTMLInputElement)}
    ${ref(selectAll)}
  />`;
}

/** The element is not in the document yet when lit makes it. */
function selectAll(element: Element | undefined): void {
  if (!(element instanceof HTMLInputElement)) return;
  queueMicrotask(() => {
    element.focus();
    element.select();
  });
}
