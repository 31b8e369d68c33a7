type Fields = Readonly<Record<string, unknown>>;

const ROLES: ReadonlySet<unknown> = new Set(['user', 'assistant', 'system']);
const STATUSES: ReadonlySet<unknown> = new Set([undefined, 'complete', 'cancelled', 'incomplete']);
const USAGE_FIELDS = ['inputTokens', 'outputTokens', 'cachedInputTokens', 'reasoningTokens'] as const;

/**
 * What is wrong with a node's body, as a path from it, or `undefined` if it can be read as one. The same check stands
 * before a commit and behind a read, so that nothing is stored that could not be read again (law ST6). Fields that are
 * not known are let through.
 */
export function bodyFault(body: unknown): string | undefined {
  if (!isFields(body)) return 'body';
  switch (body['kind']) {
    case 'conversation':
      if (!isOptionalString(body['turnId'])) return 'body.turnId';
      if (!isOptionalString(body['model'])) return 'body.model';
      if (body['turnIndex'] !== undefined && !isCount(body['turnIndex'])) return 'body.turnIndex';
      if (body['usage'] !== undefined && !isUsage(body['usage'])) return 'body.usage';
      return messageFault(body['message']);
    case 'tool':
      if (!isOptionalString(body['turnId'])) return 'body.turnId';
      return invocationFault(body['invocation']);
    case 'plugin':
      if (typeof body['pluginType'] !== 'string') return 'body.pluginType';
      return body['data'] === undefined ? 'body.data' : undefined;
    default:
      return 'body.kind';
  }
}

/** Whether `value` is token counts: whole numbers, none below zero. */
export function isUsage(value: unknown): boolean {
  return isFields(value) && USAGE_FIELDS.every((field) => isCount(value[field]));
}

/** Whether `value` is an object that is not an array. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether `value` is a whole number from 0 on that a double holds exactly. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function messageFault(message: unknown): string | undefined {
  if (!isFields(message)) return 'body.message';
  if (!ROLES.has(message['role'])) return 'body.message.role';
  if (!STATUSES.has(message['status'])) return 'body.message.status';
  const parts = message['parts'];
  if (!Array.isArray(parts)) return 'body.message.parts';
  const at = parts.findIndex((part: unknown) => !isPart(part));
  return at < 0 ? undefined : `body.message.parts[${at}]`;
}

function isPart(part: unknown): boolean {
  if (!isFields(part) || !isOptionalAttachment(part['overflow'])) return false;
  switch (part['type']) {
    case 'text':
    case 'reasoning':
      return typeof part['text'] === 'string';
    case 'image':
    case 'file':
      return isAttachment(part['attachment']);
    case 'tool-call':
      return (
        typeof part['callId'] === 'string' && typeof part['tool'] === 'string' && part['args'] !== undefined
      );
    default:
      return false;
  }
}

function invocationFault(invocation: unknown): string | undefined {
  if (!isFields(invocation)) return 'body.invocation';
  if (typeof invocation['callId'] !== 'string') return 'body.invocation.callId';
  if (typeof invocation['tool'] !== 'string') return 'body.invocation.tool';
  if (invocation['args'] === undefined) return 'body.invocation.args';
  if (typeof invocation['durationMs'] !== 'number') return 'body.invocation.durationMs';
  if (!isOptionalAttachment(invocation['overflow'])) return 'body.invocation.overflow';
  return isOutcome(invocation['outcome']) ? undefined : 'body.invocation.outcome';
}

function isOutcome(outcome: unknown): boolean {
  if (!isFields(outcome)) return false;
  switch (outcome['status']) {
    case 'success':
      return (
        outcome['value'] !== undefined &&
        isOptionalAttachment(outcome['overflow']) &&
        isOptionalAttachments(outcome['attachments'])
      );
    case 'failure':
      return (
        typeof outcome['class'] === 'string' &&
        typeof outcome['code'] === 'string' &&
        typeof outcome['message'] === 'string' &&
        typeof outcome['retryable'] === 'boolean'
      );
    case 'cancelled':
      return typeof outcome['message'] === 'string';
    default:
      return false;
  }
}

function isAttachment(ref: unknown): boolean {
  return (
    isFields(ref) &&
    typeof ref['id'] === 'string' &&
    typeof ref['mime'] === 'string' &&
    isCount(ref['byteLength'])
  );
}

function isOptionalAttachment(ref: unknown): boolean {
  return ref === undefined || isAttachment(ref);
}

function isOptionalAttachments(refs: unknown): boolean {
  return refs === undefined || (Array.isArray(refs) && refs.every(isAttachment));
}

function isOptionalString(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}
