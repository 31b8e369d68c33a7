import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { ref } from 'lit/directives/ref.js';
import { repeat } from 'lit/directives/repeat.js';

import type { App } from '../app/app.ts';
import type { Chat } from '../app/chat.ts';
import type { ShownMessage } from '../app/transcript.ts';
import { iconButton } from './button.ts';
import { offerComposer } from './focus.ts';
import { icon } from './icons.ts';
import { liveAnswer } from './live-answer.ts';
import { messageRow, type MessageContext } from './message.ts';
import type { StickyScroll } from './sticky-scroll.ts';
import { summaryMark } from './summary-mark.ts';
import { welcome } from './welcome.ts';

const OPENING = html`<p class="opening muted" role="status" data-testid="opening">
  <span class="spinner"></span> Opening the chat…
</p>`;

/** The messages of the open chat, the running turn, and what can be done at the end; or a welcome. */
export function conversation(app: App, scroll: StickyScroll): TemplateResult {
  const { chat } = app;
  const empty = chat === null || (chat.view.window.nodes.length === 0 && !chat.busy);
  const content = empty ? welcome(app) : thread(app, chat, scroll);
  // A welcome is read from its beginning.
  const follow = empty ? undefined : scroll.attach;
  return html`<div class="scroller" tabindex="0" role="region" aria-label="Conversation" ${ref(follow)}>
      <div class="column">${app.opening === null ? content : OPENING}</div>
    </div>
    <div class="to-end" ?hidden=${(scroll.atEnd && showsEnd(chat)) || empty}>
      ${iconButton({ icon: 'down', label: 'Go to the newest message', onClick: () => chat !== null && app.notices.run(toEnd(chat, scroll)) })}
    </div>`;
}

function thread(app: App, chat: Chat, scroll: StickyScroll): TemplateResult {
  const { view, transcript } = chat;
  const { busy } = chat;
  return html`${
    view.window.start === 0
      ? nothing
      : html`<button
          type="button"
          class="quiet-button older"
          data-testid="show-older"
          @click=${() => app.notices.run(showOlder(chat, scroll))}
        >
          Show older messages
        </button>`
  }
  ${repeat(
    transcript.messages,
    (shown) => shown.node.id,
    (shown) => {
      const context: MessageContext = {
        app,
        chat,
        busy,
        canRegenerate: transcript.canRegenerate && !busy && shown.lastAnswer,
        editing: chat.draft.editing?.nodeId === shown.node.id,
        pinned: app.pins.has(shown.node.id),
      };
      return guard(dependencies(shown, context), () => [
        messageRow(shown, context),
        shown.summary === undefined ? nothing : summaryMark(shown.summary),
      ]);
    },
  )}
  ${view.turn === null ? nothing : liveAnswer(view.turn, chat, app)}
  ${transcript.canContinue && !busy ? continueRow(app) : nothing}`;
}

async function showOlder(chat: Chat, scroll: StickyScroll): Promise<void> {
  const more = await chat.showOlder();
  scroll.keepPlace();
  if (!more) scroll.focus();
}

function showsEnd(chat: Chat | null): boolean {
  if (chat === null) return true;
  const { window, head } = chat.view;
  return window.start + window.nodes.length === head.depth;
}

async function toEnd(chat: Chat, scroll: StickyScroll): Promise<void> {
  await chat.showNewest();
  scroll.toEnd();
}

/** A row is drawn again only when one of these is another one. */
function dependencies(shown: ShownMessage, context: MessageContext): unknown[] {
  const { chat, busy, canRegenerate, editing, pinned } = context;
  const calls = shown.toolCalls.flatMap((call) => [call.outcome, call.abandoned]);
  return [
    chat,
    shown.node,
    shown.branches,
    shown.continues,
    shown.continued,
    shown.lastAnswer,
    shown.summary,
    busy,
    canRegenerate,
    editing,
    pinned,
    ...calls,
  ];
}

function continueRow(app: App): TemplateResult {
  return html`<div class="continue-row">
    <p>This conversation does not end in a finished answer.</p>
    <button
      type="button"
      class="button"
      data-testid="continue"
      @click=${() => {
        app.notices.run(app.continue());
        offerComposer();
      }}
    >
      ${icon('refresh')} Continue
    </button>
  </div>`;
}
