import type { PluginNode, ToolCallRuling, TurnAbort } from '../../contract/plugin.ts';
import { findNonJson } from '../../core/json.ts';
import type { Part } from '../../core/message.ts';
import type { SessionNode } from '../../core/node.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import { PROMPT_SLOTS, type PromptContributionData } from '../../core/prompt-layer.ts';
import type { ToolOutcome } from '../../core/tool-call.ts';
import { type Fields, isFields, isOptional } from './fields.ts';

/**
 * Whether what hooks answer is what they may (rule PL2): data that can be stored, or shown to a model, as it is.
 */

const SLOTS: readonly unknown[] = PROMPT_SLOTS;
const ROLES: readonly unknown[] = ['user', 'assistant', 'system'];

export function isAbort(value: unknown): value is TurnAbort {
  return isData(value) && typeof value['abort'] === 'string';
}

export function isContribution(value: unknown): value is PromptContributionData {
  if (!isData(value)) return false;
  const { slot, content, title, priority, gate } = value;
  return (
    SLOTS.includes(slot) &&
    typeof content === 'string' &&
    isOptional('string', title) &&
    isOptional('number', priority) &&
    (gate === undefined || (isFields(gate) && isNames(gate['tools'])))
  );
}

export function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
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
  const { pluginType, data } = value;
  return typeof pluginType === 'string' && pluginType !== '' && data !== undefined;
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
      return value['args'] !== undefined;
    case 'answer':
      return value['value'] !== undefined;
    case 'deny':
      return typeof value['reason'] === 'string';
    default:
      return value['kind'] === 'ask';
  }
}

export function isOutcome(value: unknown): value is ToolOutcome {
  if (!isData(value)) return false;
  const { status, message, code, retryable, retryAfterMs, attachments = [], overflow } = value;
  switch (status) {
    case 'success':
      return (
        value['value'] !== undefined &&
        Array.isArray(attachments) &&
        attachments.every(isRef) &&
        isOptionalRef(overflow)
      );
    case 'failure':
      return (
        [message, code, value['class']].every((text) => typeof text === 'string') &&
        typeof retryable === 'boolean' &&
        isOptional('number', retryAfterMs)
      );
    default:
      return status === 'cancelled' && typeof message === 'string';
  }
}

export function isPolicy(value: unknown): value is SessionPolicy {
  if (!isData(value)) return false;
  const { provider, maxContextTokens, maxSteps, maxTokens, maxTurnMs, whenOffline, prompt, tools } = value;
  return (
    isFields(provider) &&
    isChoice(provider) &&
    [maxContextTokens, maxSteps].every(isLimit) &&
    [maxTokens, maxTurnMs].every((limit) => isOptional('number', limit)) &&
    isOptional('string', whenOffline) &&
    (prompt === undefined || (isFields(prompt) && isFields(prompt['slots']))) &&
    (tools === undefined || isNames(tools))
  );
}

function isChoice({ id, model, options, credentials }: Fields): boolean {
  return (
    typeof id === 'string' &&
    id !== '' &&
    typeof model === 'string' &&
    isOptionalFields(options) &&
    isOptional('string', credentials)
  );
}

/** What a policy may have of what is counted. */
function isLimit(value: unknown): boolean {
  return value === undefined || (Number.isSafeInteger(value) && Number(value) > 0);
}

function isInvocation(invocation: Fields): boolean {
  return isCall(invocation) && isOutcome(invocation['outcome']);
}

function isPart(part: Fields): boolean {
  const { type, text, attachment, overflow, replay } = part;
  switch (type) {
    case 'image':
    case 'file':
      return isRef(attachment);
    case 'tool-call':
      return isCall(part) && isOptionalFields(replay);
    default:
      return (
        (type === 'text' || type === 'reasoning') &&
        typeof text === 'string' &&
        isOptionalRef(overflow) &&
        isOptionalFields(replay)
      );
  }
}

function isCall({ callId, tool, args, overflow }: Fields): boolean {
  return (
    typeof callId === 'string' && typeof tool === 'string' && args !== undefined && isOptionalRef(overflow)
  );
}

function isRef(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { id, mime, byteLength, name } = value;
  return (
    typeof id === 'string' &&
    typeof mime === 'string' &&
    Number.isSafeInteger(byteLength) &&
    Number(byteLength) >= 0 &&
    isOptional('string', name)
  );
}

function isOptionalRef(value: unknown): boolean {
  return value === undefined || isRef(value);
}

function isOptionalFields(value: unknown): boolean {
  return value === undefined || isFields(value);
}

function isData(value: unknown): value is Fields {
  return isFields(value) && findNonJson(value) === undefined;
}
