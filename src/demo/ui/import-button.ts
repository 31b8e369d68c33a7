import { html, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import { icon } from './icons.ts';

/** A button that asks for a file with a chat in it. */
export function importButton(app: App): TemplateResult {
  const { working } = app.transfers;
  return html`<label class="foot-button file-button" title="A file that was exported here or elsewhere">
    ${working === '' ? icon('upload') : html`<span class="spinner"></span>`}
    <span role="status">${working === '' ? 'Import' : working}</span>
    <input
      type="file"
      class="visually-hidden"
      data-testid="import"
      aria-label="Import a chat from a file"
      accept=".jsonl,application/jsonl,application/x-ndjson"
      ?disabled=${app.connection.state !== 'ready' || working !== ''}
      @change=${(event: Event) => {
        const field = event.currentTarget as HTMLInputElement;
        const files = [...(field.files ?? [])];
        field.value = '';
        importFiles(app, files);
      }}
    />
  </label>`;
}

/** Imports files, one after the other; the first that cannot be ends it. */
export function importFiles(app: App, files: readonly File[]): void {
  app.notices.run(
    (async () => {
      for (const file of files) await app.import(file);
    })(),
  );
}
