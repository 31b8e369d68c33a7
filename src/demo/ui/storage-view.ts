import type { StorageReport } from 'lash-web';
import { html, nothing, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import { byteCount } from '../app/format.ts';
import { housekeepingWords } from '../app/housekeeping-words.ts';
import { KEEP_RULES } from '../app/storage-facts.ts';
import { icon } from './icons.ts';
import { storageTable } from './storage-table.ts';

/** What is stored for this site, by chat, and what can be done about it. */
export function storageView(app: App): TemplateResult {
  const { report } = app.storage;
  return html`<div class="scroller" tabindex="0" role="region" aria-label="Storage">
    <div class="sheet" data-testid="storage-page">
      <section aria-labelledby="origin-title">
        <h3 id="origin-title">This site in your browser</h3>
        ${report === null ? html`<p class="muted">Reading…</p>` : origin(app, report)}
      </section>
      <section aria-labelledby="sessions-title">
        <h3 id="sessions-title">Chats</h3>
        ${storageTable(app)}
        <p class="muted">
          Entries are messages and tool calls. Those left behind are on branches that you left; those out of
          sight were tidied up, and their space is still to be freed.
        </p>
      </section>
      ${housekeeping(app)}
      <section aria-labelledby="kit-title">
        <h3 id="kit-title">Does this browser keep its word?</h3>
        <p class="muted">
          The rules that the runtime relies on can be tried here, on a database that is thrown away
          afterwards.
        </p>
        <p><a href="#kit" data-testid="open-kit">Check this browser</a></p>
      </section>
    </div>
  </div>`;
}

function origin(app: App, report: StorageReport): TemplateResult {
  const { originUsage, originQuota, sessionBytes } = report;
  const { helperBytes } = app.storage;
  return html`<dl class="facts">
      ${fact('Messages', 'session-bytes', byteCount(sessionBytes - helperBytes))}
      ${fact('Agents and summaries', 'helper-bytes', byteCount(helperBytes))}
      ${fact('Attached files', 'attachment-bytes', byteCount(report.attachmentBytes))}
      ${fact('All of this site', 'origin-usage', originUsage === undefined ? 'unknown' : byteCount(originUsage))}
      ${fact('Allowed', 'origin-quota', originQuota === undefined ? 'unknown' : byteCount(originQuota))}
    </dl>
    ${
      originUsage === undefined || originQuota === undefined
        ? nothing
        : html`<meter
            aria-label="How much of the allowed space is used"
            min="0"
            max=${originQuota}
            .value=${originUsage}
          ></meter>`
    }
    <div class="promise">
      <p data-testid="evictable">${evictionWords(report)}</p>
      ${
        report.persisted === true
          ? nothing
          : html`<button
              type="button"
              class="button"
              data-testid="persist"
              @click=${() => app.notices.run(app.storage.persist())}
            >
              Keep my data
            </button>`
      }
    </div>
    <p class="muted" role="status" data-testid="persistence">${persistenceWords(app)}</p>`;
}

function fact(name: string, testId: string, value: string): TemplateResult {
  return html`<div>
    <dt>${name}</dt>
    <dd data-testid=${testId}>${value}</dd>
  </div>`;
}

function evictionWords({ evictable }: StorageReport): string {
  if (evictable === 'nothing') return 'The browser has promised not to remove any of it by itself.';
  if (evictable === 'everything')
    return 'If the disk gets full, the browser may remove all of it: chats, files and traces at once.';
  return 'The browser does not say whether it may remove all of it when the disk gets full.';
}

function persistenceWords({ storage }: App): string {
  if (storage.persistence !== 'refused') return '';
  return 'The browser did not promise it. Some do once the site is used often or bookmarked; export what you want to be sure of.';
}

function housekeeping(app: App): TemplateResult {
  const { storage } = app;
  const running = storage.housekeeping === 'running';
  const run = (event: SubmitEvent) => {
    event.preventDefault();
    app.notices.run(storage.keepHouse().then(() => app.readStorage()));
  };
  return html`<section aria-labelledby="housekeeping-title">
    <h3 id="housekeeping-title">Housekeeping</h3>
    <p class="muted">
      Editing and regenerating leave branches behind. Housekeeping removes those that were left, and files
      that no message refers to any more. What you see in a chat, and what is pinned, always stays. It runs by
      itself now and then, and then leaves alone what was written in the last 30 days.
    </p>
    <form class="housekeeping-form" @submit=${run}>
      <label for="keep-rule">Leave alone branches</label>
      <select
        id="keep-rule"
        data-testid="keep-rule"
        @change=${(event: Event) =>
          storage.chooseRule(Number((event.currentTarget as HTMLSelectElement).value))}
      >
        ${KEEP_RULES.map(
          ({ label, youngerThanMs }) =>
            html`<option value=${String(youngerThanMs)} .selected=${storage.youngerThanMs === youngerThanMs}>
              ${label}
            </option>`,
        )}
      </select>
      <button type="submit" class="button" data-testid="keep-house" ?disabled=${running}>
        ${running ? html`<span class="spinner"></span>` : icon('refresh')} Run housekeeping now
      </button>
    </form>
    <div role="status" data-testid="housekeeping-report">
      ${
        storage.housekeeping === null || storage.housekeeping === 'running'
          ? nothing
          : housekeepingWords(storage.housekeeping).map((sentence) => html`<p>${sentence}</p>`)
      }
    </div>
  </section>`;
}
