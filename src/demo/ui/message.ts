import { messageText, type Message, type Part } from 'lash-web';
import { html, nothing, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import type { Chat } from '../app/chat.ts';
import type { ShownMessage } from '../app/transcript.ts';
import { attachment } from './attachment.ts';
import { branchPicker } from './branch-picker.ts';
import { iconButton } from './button.ts';
import { focusComposer, focusInMessage, offerComposer } from './focus.ts';
import { icon } from './icons.ts';
import { longText } from './long-text.ts';
import { prose } from './prose.ts';
import { reasoning } from './reasoning.ts';
import { toolCard } from './tool-card.ts';

/** What a message's row depends on besides the message itself. */
export interface MessageContext {
  readonly app: App;
  readonly chat: Chat;
  /** A turn runs: history cannot be changed now. */
  readonly busy: boolean;
  readonly canRegenerate: boolean;
  readonly editing: boolean;
  /** It and what lies above it are kept, whatever is tidied up. */
  readonly pinned: boolean;
}

/** A message of the history: its parts, its tool calls, and what can be done with it. */
export function messageRow(shown: ShownMessage, context: MessageContext): TemplateResult {
  const { node, message } = shown;
  const { role } = message;
  return html`<article
    class="message from-${role} ${shown.continues ? 'continues' : ''} ${context.editing ? 'is-editing' : ''}"
    data-testid="message"
    data-role=${role}
    data-node-id=${node.id}
    data-status=${message.status ?? 'complete'}
    aria-label=${role === 'user' ? 'You' : 'Assistant'}
  >
    <div class="message-body">
      ${role === 'user' ? userParts(shown, context) : assistantParts(shown, context)}
    </div>
    ${endNote(shown)} ${actions(shown, context)}
  </article>`;
}

function userParts({ message }: ShownMessage, { app, chat }: MessageContext): unknown {
  const attached = message.parts.filter((part) => part.type === 'image' || part.type === 'file');
  return html`${
    attached.length === 0
      ? nothing
      : html`<div class="attachments">${attached.map((part) => attachment(part.attachment, chat.urls))}</div>`
  }
  ${message.parts.map((part) =>
    part.type === 'text'
      ? html`<p class="said">${part.text}</p>
          ${part.overflow === undefined ? nothing : longText(part.overflow, chat.urls, app.notices.run)}`
      : nothing,
  )}`;
}

function assistantParts({ message, toolCalls }: ShownMessage, { app, chat }: MessageContext): unknown {
  const { run } = app.notices;
  const whole = (part: Part) =>
    'overflow' in part && part.overflow !== undefined ? longText(part.overflow, chat.urls, run) : nothing;
  return html`${message.parts.map((part) => {
    if (part.type === 'text') return html`${prose(part.text)}${whole(part)}`;
    if (part.type === 'reasoning') return html`${reasoning(part.text, false)}${whole(part)}`;
    return nothing;
  })}
  ${
    toolCalls.length === 0
      ? nothing
      : html`<div class="tool-calls">${toolCalls.map((call) => toolCard(call, chat.urls, run))}</div>`
  }`;
}

function endNote({ message }: ShownMessage): TemplateResult | typeof nothing {
  if (message.status === 'cancelled') return html`<p class="end-note">${icon('stop')} Stopped</p>`;
  if (message.status === 'incomplete')
    return html`<p class="end-note">The model reached its output limit.</p>`;
  return nothing;
}

function actions(shown: ShownMessage, context: MessageContext): TemplateResult | typeof nothing {
  const { app, chat, busy } = context;
  const { message, branches, lastAnswer } = shown;
  if (shown.continued && branches === undefined) return nothing;
  const isUser = message.role === 'user';
  const choose = (tip: string, nodeId: string, button: 'branch-prev' | 'branch-next') =>
    app.notices.run(chat.showBranch(tip).then(() => focusInMessage(nodeId, button)));
  return html`<div class="message-actions">
    ${branches === undefined ? nothing : branchPicker(branches, busy, choose)}
    ${
      messageText(message) === ''
        ? nothing
        : iconButton({
            icon: 'copy',
            label: 'Copy text',
            testId: 'copy-message',
            onClick: () => app.notices.run(copy(message, chat)),
          })
    }
    ${
      isUser
        ? iconButton({
            icon: 'edit',
            label: 'Edit message',
            testId: 'edit-message',
            disabled: busy,
            onClick: () => app.notices.run(chat.edit(shown).then(focusComposer)),
          })
        : nothing
    }
    ${chat.readOnly ? nothing : pinButton(shown, context)}
    ${
      lastAnswer && context.canRegenerate
        ? iconButton({
            icon: 'refresh',
            label: 'Regenerate answer',
            testId: 'regenerate',
            onClick: () => {
              app.notices.run(app.regenerate());
              offerComposer();
            },
          })
        : nothing
    }
  </div>`;
}

function pinButton({ node }: ShownMessage, { app, chat, pinned }: MessageContext): TemplateResult {
  return iconButton({
    icon: 'pin',
    label: pinned ? 'Unpin this branch' : 'Pin this branch: it is kept whatever is tidied up',
    testId: 'pin-message',
    pressed: pinned,
    onClick: () => app.notices.run(pinned ? app.pins.unpin(chat, node.id) : app.pins.pin(chat, node.id)),
  });
}

async function copy(message: Message, chat: Chat): Promise<void> {
  const whole = await chat.whole(message);
  await navigator.clipboard.writeText(messageText(whole));
}
