import type { SessionInventory, SessionSummary } from 'lash-web';
import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';

import type { App } from '../app/app.ts';
import { byteCount, count } from '../app/format.ts';

const COLUMNS = ['Size', 'Entries', 'Left behind', 'Out of sight', 'Pins', 'Files'] as const;

/** What each chat takes, and how it leaves as a file. On small screens each row is a card. */
export function storageTable(app: App): TemplateResult {
  const { items } = app.sessions;
  if (items.length === 0) return html`<p class="muted">There are no chats yet.</p>`;
  return html`<table class="storage-table">
    <thead>
      <tr>
        <th scope="col">Chat</th>
        ${COLUMNS.map((name) => html`<th scope="col" class="number">${name}</th>`)}
        <th scope="col"><span class="visually-hidden">What can be done</span></th>
      </tr>
    </thead>
    <tbody>
      ${repeat(
        items,
        ({ sessionId }) => sessionId,
        (session) => row(app, session),
      )}
    </tbody>
  </table>`;
}

function row(app: App, { sessionId, title }: SessionSummary): TemplateResult {
  const facts = app.storage.of(sessionId);
  const cells = facts === undefined || 'trouble' in facts ? COLUMNS.map(() => '…') : numbers(facts);
  return html`<tr data-testid="storage-row" data-session-id=${sessionId}>
    <th scope="row">
      <a href="#session=${encodeURIComponent(sessionId)}">${title === '' ? 'Untitled' : title}</a>
      ${facts !== undefined && 'trouble' in facts ? html`<p class="trouble">${facts.trouble}</p>` : nothing}
    </th>
    ${COLUMNS.map((name, index) => html`<td class="number" data-label=${name}>${cells[index]}</td>`)}
    <td class="row-actions">
      ${facts !== undefined && !('trouble' in facts) ? actions(app, facts, title) : nothing}
      ${exportButton(app, sessionId, title, true)}
    </td>
  </tr>`;
}

function numbers(facts: SessionInventory): readonly string[] {
  return [
    byteCount(facts.bytes),
    count(facts.nodes),
    count(facts.orphans),
    count(facts.tombstoned),
    count(facts.pins.length),
    facts.attachments === 0 ? '0' : `${count(facts.attachments)} · ${byteCount(facts.attachmentBytes)}`,
  ];
}

function actions(app: App, facts: SessionInventory, title: string): TemplateResult {
  const { sessionId } = facts;
  return html`${
    facts.pins.length === 0
      ? nothing
      : html`<button
          type="button"
          class="quiet-button"
          data-testid="unpin-all"
          aria-label="Unpin all of ${title}"
          @click=${() => app.notices.run(app.storage.unpinAll(sessionId))}
        >
          Unpin
        </button>`
  }
  ${facts.attachments === 0 ? nothing : exportButton(app, sessionId, title, false)}`;
}

function exportButton(app: App, sessionId: string, title: string, attachments: boolean): TemplateResult {
  const label = attachments ? 'Export' : 'Export without files';
  return html`<button
    type="button"
    class="quiet-button"
    data-testid=${attachments ? 'export' : 'export-bare'}
    aria-label="${label}: ${title}"
    ?disabled=${app.transfers.working !== ''}
    @click=${() => app.notices.run(app.transfers.export(sessionId, attachments))}
  >
    ${label}
  </button>`;
}
