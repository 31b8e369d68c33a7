import type { JsonObject, JsonValue, TurnWait } from 'lash-web';
import { html, nothing, type TemplateResult } from 'lit';

import { oneLine } from '../app/format.ts';

/** What a running call shows of the agent that works for it: a line, and more on request. */
export interface AgentAtWork {
  readonly line: string;
  readonly body: TemplateResult;
}

/** The agent that a call's progress is about, where it is about one. */
export function agentAtWork(progress: JsonValue | undefined): AgentAtWork | undefined {
  if (typeof progress !== 'object' || progress === null || Array.isArray(progress)) return undefined;
  const { agent, steps, running, text, waits } = progress as JsonObject;
  if (typeof agent !== 'string' || typeof text !== 'string') return undefined;
  const tools = names(running);
  const doing =
    waitsIn(waits).length > 0
      ? 'waits for you'
      : tools.length > 0
        ? `runs ${tools.join(', ')}`
        : 'is at work';
  return {
    line: text === '' ? `${agent} ${doing}…` : oneLine(text, 160),
    body: html`<p class="label">${agent}, step ${Number(steps)}: ${doing}</p>
      ${text === '' ? nothing : html`<pre data-testid="agent-text" tabindex="0">${text}</pre>`}`,
  };
}

function names(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
}

function waitsIn(waits: JsonValue | undefined): readonly TurnWait[] {
  return Array.isArray(waits) ? (waits as readonly TurnWait[]) : [];
}
