import { html, nothing, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import { byteCount, count } from '../app/format.ts';
import { modelLabel } from '../app/model-choice.ts';
import { turnTokens } from '../app/turn-tokens.ts';
import { iconButton } from './button.ts';
import { openDrawer } from './drawer.ts';
import { icon } from './icons.ts';

const SUBTITLES = {
  storage: 'What this site keeps in your browser',
  kit: 'The rules of the runtime, tried on this browser’s own storage',
} as const;

/** What the page shows, in a few words. */
export function titleOf({ place, chat, opening, sessions }: App): string {
  if (place === 'storage') return 'Storage';
  if (place === 'kit') return 'Check of this browser';
  if (opening !== null) return sessions.items.find(({ sessionId }) => sessionId === opening)?.title ?? '…';
  return chat === null ? 'New chat' : chat.view.title;
}

/** What is open, which model answers, what it cost, and the way to everything beside the conversation. */
export function header(app: App): TemplateResult {
  const { panels, theme, place } = app;
  return html`<header class="header">
    ${
      panels.sidebarIsDrawer
        ? iconButton({
            icon: 'menu',
            label: 'Chats',
            testId: 'open-sidebar',
            onClick: () => openDrawer(app, 'sidebar'),
          })
        : nothing
    }
    <div class="header-text">
      <h2 class="header-title">${titleOf(app)}</h2>
      <p class="header-facts">
        ${place === 'chat' ? facts(app) : html`<span class="fact">${SUBTITLES[place]}</span>`}
      </p>
    </div>
    <div class="header-buttons">
      ${connection(app)}
      ${
        place === 'chat'
          ? iconButton({
              icon: 'timeline',
              label: 'Trace',
              testId: 'trace-toggle',
              pressed: panels.trace,
              onClick: () => (panels.trace ? panels.show('trace', false) : openDrawer(app, 'trace')),
            })
          : nothing
      }
      ${iconButton({
        icon: theme.choice,
        label: `Theme: ${theme.choice}`,
        testId: 'theme',
        onClick: () => theme.next(),
      })}
      ${iconButton({
        icon: 'settings',
        label: 'Settings',
        testId: 'settings',
        onClick: () => app.openSettings(),
      })}
    </div>
  </header>`;
}

function facts({ model, chat, opening }: App): TemplateResult | typeof nothing {
  if (opening !== null) return nothing;
  const name = html`<span class="fact model-label">${modelLabel(model)}</span>`;
  if (chat === null) return name;
  const { usage, bytes } = chat.view.head;
  const session = usage.inputTokens + usage.outputTokens;
  const turn = turnTokens(chat.view);
  return html`${name}
    <span
      class="fact"
      data-testid="usage"
      title="${count(usage.inputTokens)} tokens read and ${count(usage.outputTokens)} written in this chat, all branches together"
      >${count(session)}
      tokens${turn === 0 ? nothing : html` <span class="usage-turn">(+${count(turn)})</span>`}</span
    >
    <span class="fact" data-testid="storage-size" title="What the messages of this chat take in storage"
      >${byteCount(bytes)}</span
    >`;
}

function connection(app: App): TemplateResult {
  const { state } = app.connection;
  return html`<span class="connection is-${state}"
      ><span class="connection-dot" aria-hidden="true"></span
      ><span data-testid="status" role="status">${state}</span></span
    >
    ${
      state === 'lost'
        ? html`<button type="button" class="button" data-testid="reconnect" @click=${app.reconnect}>
            ${icon('refresh')} Reconnect
          </button>`
        : nothing
    }`;
}
