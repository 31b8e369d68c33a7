import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';

import type { App } from '../app/app.ts';
import { MAX_ATTACHMENT_BYTES } from '../app/attachment-kind.ts';
import { byteCount } from '../app/format.ts';
import { attachment } from './attachment.ts';
import { offerComposer } from './focus.ts';
import { icon } from './icons.ts';

const LIMITS = `Pictures and text files, up to ${byteCount(MAX_ATTACHMENT_BYTES)} each`;

const HELP = 'Enter sends, Shift+Enter makes a new line';
/** Said while a message waits for the worker, or for the chat that is being opened. */
export const WISHED = 'It is sent as soon as the app is ready.';
const HELP_RUNNING = 'Enter sends it next, Ctrl+Enter into this answer';

/** Where a message is written: text, attachments, and the buttons that send and stop. */
export function composer(app: App): TemplateResult {
  const { draft, chat } = app;
  if (chat?.readOnly === true)
    return html`<p class="read-only-note muted">This chat is open for reading only.</p>`;
  const running = chat?.stoppable === true && app.connection.state !== 'lost';
  const queues = running && draft.editing === null;
  return html`<form class="composer" aria-label="Message" @submit=${(event: Event) => submit(app, event)}>
    ${draft.editing === null ? nothing : editingBar(app)}
    ${
      draft.attachments.length === 0 && draft.storing === 0
        ? nothing
        : html`<div class="attachments">
            ${
              chat === null
                ? nothing
                : draft.attachments.map((ref) =>
                    attachment(ref, chat.urls, () => {
                      draft.remove(ref.id);
                      app.redraw();
                      offerComposer();
                    }),
                  )
            }
            ${draft.storing === 0 ? nothing : html`<span class="attachment"><span class="spinner"></span> Storing…</span>`}
          </div>`
    }
    <textarea
      id="composer-text"
      data-testid="composer"
      rows=${Math.min(draft.text.split('\n').length, 8)}
      enterkeyhint="send"
      aria-label="Your message"
      aria-describedby="composer-help"
      placeholder=${draft.editing === null ? 'Write a message' : 'Write it anew'}
      .value=${live(draft.text)}
      @input=${(event: InputEvent) => {
        draft.text = (event.currentTarget as HTMLTextAreaElement).value;
        app.redraw();
      }}
      @keydown=${(event: KeyboardEvent) => onKey(app, event)}
      @paste=${(event: ClipboardEvent) => onPaste(app, event)}
    ></textarea>
    <div class="composer-bar">
      <label class="icon-button attach" title=${LIMITS}>
        ${icon('attach')}
        <span class="visually-hidden">Attach files. ${LIMITS}</span>
        <input
          type="file"
          class="visually-hidden"
          data-testid="attach"
          multiple
          ?disabled=${app.connection.state !== 'ready'}
          @change=${(event: Event) => onChoose(app, event)}
        />
      </label>
      <span class="composer-help muted" id="composer-help"
        >${app.wished ? WISHED : queues ? HELP_RUNNING : HELP}</span
      >
      ${queues && draft.sendable ? injectButton(app) : nothing} ${running ? stopButton(app) : nothing}
      ${sendButton(app, queues)}
    </div>
  </form>`;
}

function editingBar(app: App): TemplateResult {
  return html`<div class="editing-bar" data-testid="editing">
    ${icon('edit')}
    <span>You are editing an earlier message. Sending it makes a new branch; the old one stays.</span>
    <button type="button" class="quiet-button" data-testid="cancel-edit" @click=${() => cancelEdit(app)}>
      Cancel
    </button>
  </div>`;
}

function sendButton(app: App, queues: boolean): TemplateResult {
  const label = queues ? 'Send: it is answered after this answer' : 'Send';
  return html`<button
    type="submit"
    class="round-button"
    data-testid="send"
    aria-label=${label}
    title=${label}
    ?disabled=${!app.draft.sendable || !canSend(app)}
  >
    ${app.wished ? html`<span class="spinner"></span>` : icon('send')}
  </button>`;
}

function injectButton(app: App): TemplateResult {
  return html`<button
    type="button"
    class="quiet-button inject"
    data-testid="inject"
    title="The model reads it before its next step"
    ?disabled=${!canSend(app)}
    @click=${() => send(app, 'inject')}
  >
    Send into this answer
  </button>`;
}

function stopButton(app: App): TemplateResult {
  const stop = () => {
    app.notices.run(app.stop());
    offerComposer();
  };
  return html`<button
    type="button"
    class="round-button is-stop"
    data-testid="stop"
    aria-label="Stop"
    title="Stop"
    @click=${stop}
  >
    ${icon('stop')}
  </button>`;
}

function canSend({ ready, chat }: App): boolean {
  return ready && chat?.canSend !== false;
}

function submit(app: App, event: Event): void {
  event.preventDefault();
  send(app, 'queue');
}

function send(app: App, whenRunning: 'queue' | 'inject'): void {
  if (app.chat?.canSend === false) return;
  app.notices.run(app.send(whenRunning));
  offerComposer();
}

/** Gives up the editing of an earlier message. */
export function cancelEdit(app: App): void {
  app.chat?.cancelEdit();
  offerComposer();
}

/** Asks for files to attach, as the button does. */
export function chooseFiles(): void {
  document.querySelector<HTMLElement>('[data-testid=attach]')?.click();
}

function onKey(app: App, event: KeyboardEvent): void {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  const injects = (event.ctrlKey || event.metaKey) && app.draft.editing === null;
  send(app, injects && app.chat?.stoppable === true ? 'inject' : 'queue');
}

function onPaste(app: App, event: ClipboardEvent): void {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length === 0) return;
  event.preventDefault();
  app.notices.run(app.attach(files));
}

function onChoose(app: App, event: Event): void {
  const field = event.currentTarget as HTMLInputElement;
  const files = [...(field.files ?? [])];
  field.value = '';
  app.notices.run(app.attach(files));
}
