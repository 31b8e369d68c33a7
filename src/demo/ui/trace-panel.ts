import { html, nothing, svg, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { ref } from 'lit/directives/ref.js';
import { repeat } from 'lit/directives/repeat.js';

import type { App } from '../app/app.ts';
import { count, duration } from '../app/format.ts';
import type { TraceRow, TraceTurn } from '../app/trace-timeline.ts';
import { iconButton } from './button.ts';
import { closeDrawer } from './drawer.ts';
import type { StickyScroll } from './sticky-scroll.ts';

/** What happened in the open chat: one row per trace record, with a bar for what took time. */
export function tracePanel(app: App, scroll: StickyScroll): TemplateResult {
  const { panels, trace } = app;
  const turns = app.chat === null ? [] : trace.turns;
  return html`<aside
    class="trace ${panels.trace ? 'is-open' : ''}"
    id="trace"
    aria-label="Trace"
    ?inert=${!panels.trace}
  >
    <div class="trace-head">
      <h2>Trace</h2>
      ${iconButton({
        icon: 'download',
        label: 'Download trace as JSONL',
        testId: 'trace-download',
        disabled: app.connection.state !== 'ready',
        onClick: () => app.notices.run(app.downloadTrace()),
      })}
      ${iconButton({
        icon: 'close',
        label: 'Close trace',
        testId: 'trace-close',
        onClick: () => closeDrawer(app, 'trace'),
      })}
    </div>
    <div class="trace-scroller" tabindex="0" role="region" aria-label="Trace records" ${ref(scroll.attach)}>
      <div>
        ${
          turns.length === 0
            ? html`<p class="muted">Model calls, tool calls and their times show up here as they happen.</p>`
            : nothing
        }
        ${
          trace.omitted === 0 || app.chat === null
            ? nothing
            : html`<p class="muted">${count(trace.omitted)} older records are in the download.</p>`
        }
        ${repeat(
          turns,
          (turn) => turn.turnId,
          (turn, index) => {
            const cutOff = !turn.ended && turn.turnId !== '' && turn.turnId !== trace.awaited;
            return guard([turn.rows.length, turn.to, index, cutOff], () => turnRows(turn, index, cutOff));
          },
        )}
      </div>
    </div>
  </aside>`;
}

/** `cutOff`: its last records are not there, and not coming. */
function turnRows(turn: TraceTurn, index: number, cutOff: boolean): TemplateResult {
  const began = new Date(turn.from).toLocaleTimeString('en', { hour12: false });
  return html`<section class="trace-turn">
    <h3>
      <span>${turn.turnId === '' ? 'Outside of turns' : `Turn ${index + 1}`}</span>
      <span class="muted">${began} · ${duration(turn.to - turn.from)}</span>
    </h3>
    <ol>
      ${turn.rows.map((row) => recordRow(row, turn))}
    </ol>
    ${
      cutOff
        ? html`<p class="muted" data-testid="trace-cut-off">
            The end of this turn was not recorded: its tab was closed, reloaded or frozen first.
          </p>`
        : nothing
    }
  </section>`;
}

function recordRow(row: TraceRow, turn: TraceTurn): TemplateResult {
  const took = row.durationMs;
  return html`<li
    class="trace-row depth-${row.depth} is-${row.tone}"
    data-testid="trace-row"
    data-type=${row.type}
    title=${row.summary}
  >
    <span class="trace-time">+${((row.at - turn.from) / 1000).toFixed(2)}</span>
    <span class="trace-label">${row.label}</span>
    <span class="trace-took">${took === undefined ? nothing : duration(took)}</span>
    <span class="trace-summary">${row.summary}</span>
    ${took === undefined ? nothing : bar(row.at - took, row.at, turn)}
  </li>`;
}

/** The stretch from `from` to `to` within the whole turn. */
function bar(from: number, to: number, turn: TraceTurn): TemplateResult {
  const whole = Math.max(turn.to - turn.from, 1);
  const start = ((from - turn.from) / whole) * 100;
  const width = Math.max(((to - from) / whole) * 100, 0.8);
  return html`<svg class="trace-bar" aria-hidden="true" preserveAspectRatio="none" viewBox="0 0 100 4">
    ${svg`<rect class="trace-track" width="100" height="4"></rect>
      <rect class="trace-span" x=${start.toFixed(2)} width=${Math.min(width, 100 - start).toFixed(2)} height="4"></rect>`}
  </svg>`;
}
