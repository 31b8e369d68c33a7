import { messageText, type PendingTurn } from 'lash-web';
import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';

import type { App } from '../app/app.ts';
import type { Chat } from '../app/chat.ts';
import { oneLine } from '../app/format.ts';
import { iconButton } from './button.ts';
import { focusComposer, focusQueued } from './focus.ts';

const TEXT_LENGTH = 200;

/** The messages that wait for their turn, or to be read in the running one; whoever sent them, in whichever tab. */
export function queueList(app: App): TemplateResult | typeof nothing {
  const { chat } = app;
  if (chat === null || chat.readOnly || chat.view.queue.length === 0) return nothing;
  const { queue } = chat.view;
  return html`<ol class="queue" aria-label="Messages that wait" data-testid="queue">
    ${repeat(
      queue,
      ({ turnId }) => turnId,
      (item, index) => row(app, chat, item, index),
    )}
  </ol>`;
}

function row(app: App, chat: Chat, item: PendingTurn, index: number): TemplateResult {
  const { queue } = chat.view;
  const text = textOf(item);
  const move = (button: 'queue-up' | 'queue-down', before: string | null) => () => {
    const { turnId } = item;
    app.notices.run(chat.session.queue.move(turnId, before).then(() => focusQueued(turnId, button)));
  };
  return html`<li
    class="queue-item"
    data-testid="queue-item"
    data-turn-id=${item.turnId}
    data-inject=${item.inject === true}
  >
    <span class="queue-place">${placeOf(item, chat, index)}</span>
    <span class="queue-text" title=${text}>${text}</span>
    ${iconButton({
      icon: 'up',
      label: `Move up: ${text}`,
      testId: 'queue-up',
      disabled: index === 0,
      onClick: move('queue-up', queue[index - 1]?.turnId ?? null),
    })}
    ${iconButton({
      icon: 'down',
      label: `Move down: ${text}`,
      testId: 'queue-down',
      disabled: index === queue.length - 1,
      onClick: move('queue-down', queue[index + 2]?.turnId ?? null),
    })}
    ${iconButton({
      icon: 'close',
      label: `Take back: ${text}`,
      testId: 'queue-cancel',
      onClick: () => {
        app.notices.run(chat.takeBack(item));
        focusComposer();
      },
    })}
  </li>`;
}

/** One that came too late for the running turn begins one of its own. */
function placeOf({ inject }: PendingTurn, { view }: Chat, index: number): string {
  if (inject === true && view.turn !== null) return 'Into this answer';
  return index === 0 ? 'Next' : `${index + 1}.`;
}

function textOf({ input }: PendingTurn): string {
  if (typeof input !== 'object' || input === null) return input ?? 'Another answer';
  const files = input.parts.flatMap((part) =>
    part.type === 'text' ? [] : [part.attachment.name ?? 'an attachment'],
  );
  return oneLine([messageText({ role: 'user', parts: input.parts }), ...files].join(' '), TEXT_LENGTH);
}
