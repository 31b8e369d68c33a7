import type { JsonObject, JsonValue, ToolOutcome } from 'lash-web';
import { html, nothing, type TemplateResult } from 'lit';

import type { AttachmentUrls } from '../app/attachment-urls.ts';
import { duration, oneLine } from '../app/format.ts';
import type { ShownToolCall } from '../app/transcript.ts';
import { agentAtWork } from './agent-at-work.ts';
import { attachment } from './attachment.ts';
import { icon } from './icons.ts';
import { longText } from './long-text.ts';

const ATTACHMENT_ID = /^[0-9a-f]{64}$/;
const ANSWER_FIELDS = ['result', 'text', 'value'] as const;
const STATES = {
  waiting: 'waits…',
  running: 'running…',
  success: 'done',
  failure: 'failed',
  cancelled: 'stopped',
} as const;

/** A tool call: its name, what it was asked and what came back on one line; all of it on request. */
export function toolCard(
  call: ShownToolCall,
  urls: AttachmentUrls,
  run: (task: Promise<unknown>) => void,
): TemplateResult {
  const { outcome } = call;
  const open = call.waiting === true ? 'waiting' : 'running';
  const state = outcome?.status ?? (call.abandoned ? 'cancelled' : open);
  const agent = agentAtWork(call.progress);
  return html`<details class="tool-card" data-testid="tool-call" data-tool=${call.tool} data-state=${state}>
    <summary>
      <span class="tool-mark">${mark(state)}</span>
      <span class="tool-name">${call.tool}</span>
      <span class="tool-args"
        >${call.longArgs === undefined ? oneLine(argsText(call.args), 120) : 'long arguments'}</span
      >
      <span class="visually-hidden">${STATES[state]}:</span>
      <span class="tool-result"
        >${outcome === undefined ? (agent?.line ?? STATES[state]) : oneLine(resultText(outcome), 160)}</span
      >
      ${icon('chevron')}
    </summary>
    <div class="tool-body">
      <p class="label">Arguments</p>
      ${
        call.longArgs === undefined
          ? html`<pre tabindex="0">${JSON.stringify(call.args, null, 2)}</pre>`
          : longText(call.longArgs, urls, run)
      }
      ${outcome === undefined ? (agent?.body ?? nothing) : result(outcome, call.durationMs, urls, run)}
    </div>
  </details>`;
}

function result(
  outcome: ToolOutcome,
  durationMs: number | undefined,
  urls: AttachmentUrls,
  run: (task: Promise<unknown>) => void,
): TemplateResult {
  const { overflow, attachments = [] } = outcome.status === 'success' ? outcome : {};
  return html`<p class="label">
      Result${durationMs === undefined ? nothing : ` after ${duration(durationMs)}`}
    </p>
    ${
      overflow === undefined
        ? html`<pre tabindex="0">${wholeResult(outcome)}</pre>`
        : longText(overflow, urls, run)
    }
    ${
      attachments.length === 0
        ? nothing
        : html`<div class="attachments">${attachments.map((ref) => attachment(ref, urls))}</div>`
    }`;
}

function mark(state: keyof typeof STATES): TemplateResult {
  if (state === 'running') return html`<span class="spinner"></span>`;
  if (state === 'waiting') return icon('waiting');
  return icon(state === 'success' ? 'check' : 'close');
}

/** One argument as itself, several as `a: 1, b: 2`. */
function argsText(args: JsonValue): string {
  if (typeof args !== 'object' || args === null) return plain(args);
  const fields = Object.entries(args);
  const [only] = fields;
  if (fields.length === 1 && only !== undefined) return plain(only[1]);
  return fields.map(([name, value]) => `${name}: ${plain(value)}`).join(', ');
}

/** What came back, in short: of an object, the field that holds the answer if it has one. */
function resultText(outcome: ToolOutcome): string {
  if (outcome.status !== 'success') return outcome.message;
  if (outcome.overflow !== undefined) return 'a long result';
  const { value } = outcome;
  if (typeof value !== 'object' || value === null) return plain(value);
  const answer = ANSWER_FIELDS.find((field) => field in value);
  return plain(answer === undefined ? value : (value as JsonObject)[answer]);
}

function wholeResult(outcome: ToolOutcome): string {
  if (outcome.status !== 'success') return outcome.message;
  return typeof outcome.value === 'string' ? outcome.value : JSON.stringify(outcome.value, null, 2);
}

function plain(value: JsonValue | undefined): string {
  if (typeof value !== 'string') return JSON.stringify(value ?? null);
  return ATTACHMENT_ID.test(value) ? `${value.slice(0, 8)}…` : value;
}
