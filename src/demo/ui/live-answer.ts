import type { LiveTurn, TurnWait } from 'lash-web';
import { html, nothing, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import type { Chat } from '../app/chat.ts';
import { adviceFor } from '../app/error-advice.ts';
import { duration } from '../app/format.ts';
import { icon } from './icons.ts';
import { prose } from './prose.ts';
import { reasoning } from './reasoning.ts';
import { toolCard } from './tool-card.ts';
import { turnWaits } from './turn-waits.ts';

/**
 * What the running turn shows before it is history. It is not announced as it grows: a screen reader is told the whole
 * answer at the end.
 */
export function liveAnswer(turn: LiveTurn, chat: Chat, app: App): TemplateResult {
  const shown = turn.text !== '' || turn.reasoning !== '' || turn.toolCalls.length > 0;
  return html`${shown ? answer(turn, chat, app) : nothing}${turnWaits(turn.waits, chat, app)}
    <div
      class="working"
      data-testid="working"
      ?hidden=${app.connection.state === 'lost' || turn.waits.some(isOwn) || turn.interrupted}
    >
      ${
        turn.retry === null
          ? html`<span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>
              <span class="visually-hidden">The model is at work</span>`
          : html`<p class="retry" data-testid="retry">
              ${adviceFor(turn.retry.error).text} Trying again in ${duration(turn.retry.waitMs)} (attempt
              ${turn.retry.attempt}).
            </p>`
      }
    </div>`;
}

function answer(turn: LiveTurn, chat: Chat, app: App): TemplateResult {
  return html`<article
    class="message from-assistant ${chat.transcript.messages.at(-1)?.continued === true ? 'continues' : ''}"
    data-testid="message"
    data-role="assistant"
    data-status=${turn.interrupted ? 'interrupted' : 'streaming'}
    aria-label="Assistant"
    aria-busy=${!turn.interrupted}
  >
    <div class="message-body">
      ${turn.reasoning === '' ? nothing : reasoning(turn.reasoning, turn.text === '')}
      ${turn.text === '' ? nothing : prose(turn.text)}
      ${
        turn.toolCalls.length === 0
          ? nothing
          : html`<div class="tool-calls">
              ${turn.toolCalls.map((call) => {
                const waiting = turn.waits.some((wait) => isOfCall(wait, call.callId));
                return toolCard({ ...call, waiting, abandoned: false }, chat.urls, app.notices.run);
              })}
            </div>`
      }
    </div>
    ${
      turn.interrupted && turn.text + turn.reasoning !== ''
        ? html`<p class="end-note">${icon('stop')} Interrupted: this part is written anew.</p>`
        : nothing
    }
  </article>`;
}

/** Agents may go on while one of them waits. */
function isOwn({ childSessionId }: TurnWait): boolean {
  return childSessionId === undefined;
}

function isOfCall(wait: TurnWait, callId: string): boolean {
  return isOwn(wait) && 'callId' in wait && wait.callId === callId;
}
