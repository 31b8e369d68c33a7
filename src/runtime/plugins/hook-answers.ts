import type { PluginNode, ToolCallRuling, TurnAbort } from '../../contract/plugin.ts';
import { findNonJson } from '../../core/json.ts';
import type { Part } from '../../core/message.ts';
import type { SessionNode } from '../../core/node.ts';
import { PROMPT_SLOTS, type PromptContributionData } from '../../core/prompt-layer.ts';
import type { ToolOutcome } from '../../core/tool-call.ts';

/**
 * Whether what hooks answer is what they may (rule PL2): data that can be stored, or shown to a model, as it is.
 */

type Fields = Readonly<Record<string, unknown>>;

const SLOTS: readonly unknown[] = PROMPT_SLOTS;
const KINDS: readonly unknown[] = ['text', 'reasoning', 'image', 'file', 'tool-call'];
const ROLES: readonly unknown[] = ['user', 'assistant', 'system'];

export function isAbort(value: unknown): value is TurnAbort {
  return isData(value) && typeof value['abort'] === 'string';
}

export function isContribution(value: unknown): value is PromptContributionData {
  return isData(value) && SLOTS.includes(value['slot']) && typeof value['content'] === 'string';
}

/** A node: its kind, and what is read of it. */
export function isNode(value: unknown): value is SessionNode {
  if (!isData(value) || typeof value['id'] !== 'string') return false;
  const { body } = value;
  if (!isFields(body)) return false;
  const { kind, message, invocation } = body;
  if (kind === 'plugin') return true;
  if (kind === 'tool') return isFields(invocation) && isInvocation(invocation);
  if (kind !== 'conversation' || !isFields(message)) return false;
  const { role, parts } = message;
  return (
    ROLES.includes(role) && Array.isArray(parts) && parts.every((part) => isFields(part) && isPart(part))
  );
}

/** A node that a plugin adds, without a word on its size. */
export function isPluginNode(value: unknown): value is PluginNode {
  if (!isData(value)) return false;
  const { pluginType } = value;
  return typeof pluginType === 'string' && pluginType !== '' && 'data' in value;
}

/** An answer of text, reasoning and calls, of which `calls` are the only ones. */
export function isAnswer(value: unknown, calls: ReadonlySet<string>): value is readonly Part[] {
  if (!Array.isArray(value) || findNonJson(value) !== undefined) return false;
  const parts = value as readonly unknown[];
  const isOfAnswer = (part: unknown): boolean =>
    isFields(part) && isPart(part) && part['type'] !== 'image' && part['type'] !== 'file';
  if (!parts.every(isOfAnswer)) return false;
  const called = (value as readonly Part[]).flatMap((part) =>
    part.type === 'tool-call' ? [part.callId] : [],
  );
  return called.every((callId, index) => calls.has(callId) && called.indexOf(callId) === index);
}

export function isRuling(value: unknown): value is ToolCallRuling {
  if (!isData(value)) return false;
  switch (value['kind']) {
    case 'args':
      return 'args' in value;
    case 'answer':
      return 'value' in value;
    case 'deny':
      return typeof value['reason'] === 'string';
    default:
      return value['kind'] === 'ask';
  }
}

export function isOutcome(value: unknown): value is ToolOutcome {
  if (!isData(value)) return false;
  const { status, message, code, retryable, attachments = [], overflow } = value;
  switch (status) {
    case 'success':
      return (
        'value' in value &&
        Array.isArray(attachments) &&
        attachments.every(isRef) &&
        (overflow === undefined || isRef(overflow))
      );
    case 'failure':
      return (
        [message, code, value['class']].every((text) => typeof text === 'string') &&
        typeof retryable === 'boolean'
      );
    default:
      return status === 'cancelled' && typeof message === 'string';
  }
}

function isInvocation({ callId, tool, args, outcome }: Fields): boolean {
  return typeof callId === 'string' && typeof tool === 'string' && args !== undefined && isOutcome(outcome);
}

function isPart({ type, text, callId, tool, args, attachment }: Fields): boolean {
  switch (type) {
    case 'text':
    case 'reasoning':
      return typeof text === 'string';
    case 'tool-call':
      return typeof callId === 'string' && typeof tool === 'string' && args !== undefined;
    default:
      return KINDS.includes(type) && isRef(attachment);
  }
}

function isRef(value: unknown): boolean {
  return isFields(value) && typeof value['id'] === 'string' && typeof value['mime'] === 'string';
}

function isData(value: unknown): value is Fields {
  return isFields(value) && findNonJson(value) === undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
