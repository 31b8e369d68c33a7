import type { Provider } from '../../contract/provider.ts';
import { findNonJson, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { Part, ToolCallPart } from '../../core/message.ts';
import type { ModelEvent } from '../../core/model-event.ts';
import type { ModelRequest } from '../../core/model-request.ts';
import { NO_USAGE } from '../../core/usage.ts';
import type { ModelAnswer } from '../../turn/state.ts';
import { ABORTED, AbortGate } from '../abort.ts';
import type { SecretVault } from '../secrets.ts';

type Delta = Extract<ModelEvent, { readonly type: 'text-delta' | 'reasoning-delta' }>;

/** What a caller hears while a model answers. */
export interface ModelCallListener {
  /** Text as it may be shown: redacted, also where a secret came in several pieces (law SE1). */
  onDelta(kind: 'text' | 'reasoning', text: string): void;
  /** Any other event, as the provider sent it. */
  onEvent(event: Exclude<ModelEvent, Delta>): void;
  /** The provider failed when nothing more was asked of it. */
  onLateFailure(error: unknown): void;
}

/** How a call ended. A failure is a rejection. */
export interface ModelCallResult {
  readonly answer: ModelAnswer;
  readonly stopped: boolean;
}

/**
 * Calls a model and gathers its answer. When the signal aborts it resolves at once with what had arrived, whether or
 * not the provider obeys.
 */
export async function callModel(
  provider: Provider,
  request: ModelRequest,
  signal: AbortSignal,
  secrets: SecretVault,
  listener: ModelCallListener,
): Promise<ModelCallResult> {
  const gathered = new AnswerGatherer(provider.model, secrets, listener);
  const stream = provider.stream(request, signal)[Symbol.asyncIterator]();
  const gate = new AbortGate(signal);
  try {
    for (;;) {
      const result = await gate.wait(stream.next());
      if (result === ABORTED) return { answer: gathered.answer('missing'), stopped: true };
      if (result.done === true) return { answer: gathered.answer('missing'), stopped: false };
      const event = result.value;
      if (event.type === 'finish') {
        const answer = { ...gathered.answer(event.reason), usage: event.usage };
        listener.onEvent(event);
        return { answer, stopped: false };
      }
      gathered.add(event);
      if (event.type !== 'text-delta' && event.type !== 'reasoning-delta') listener.onEvent(event);
    }
  } finally {
    gate.close();
    release(stream).catch((error: unknown) => listener.onLateFailure(error));
  }
}

/** Lets the provider put away what a stream holds. Nobody waits for it: a provider that hangs would hold the turn. */
async function release(stream: AsyncIterator<ModelEvent>): Promise<void> {
  await stream.return?.(undefined);
}

/** Builds the parts of an answer from stream events, in the order in which they came. */
class AnswerGatherer {
  readonly #model: string;
  readonly #secrets: SecretVault;
  readonly #listener: ModelCallListener;
  readonly #parts: Part[] = [];
  readonly #callIds = new Set<string>();
  #open: { readonly kind: 'text' | 'reasoning'; text: string; readonly redactor: SecretStream } | null = null;

  constructor(model: string, secrets: SecretVault, listener: ModelCallListener) {
    this.#model = model;
    this.#secrets = secrets;
    this.#listener = listener;
  }

  add(event: Exclude<ModelEvent, { type: 'finish' }>): void {
    switch (event.type) {
      case 'text-delta':
        return this.#push('text', event.text);
      case 'reasoning-delta':
        return this.#push('reasoning', event.text);
      case 'text-end':
      case 'reasoning-end':
        return this.#close(event.replay === undefined ? undefined : this.#secrets.redactJson(event.replay));
      case 'tool-call':
        this.#close();
        this.#parts.push(this.#toolCall(event));
    }
  }

  answer(finish: ModelAnswer['finish']): ModelAnswer {
    this.#close();
    return { model: this.#model, parts: [...this.#parts], finish, usage: NO_USAGE };
  }

  #push(kind: 'text' | 'reasoning', text: string): void {
    if (this.#open !== null && this.#open.kind !== kind) this.#close();
    this.#open ??= { kind, text: '', redactor: this.#secrets.stream() };
    this.#tell(this.#open, this.#open.redactor.push(text));
  }

  #close(replay?: JsonObject): void {
    if (this.#open === null) return;
    const open = this.#open;
    this.#tell(open, open.redactor.end());
    this.#open = null;
    const wanted = replay === undefined ? {} : { replay };
    if (open.kind === 'text') {
      if (open.text !== '') this.#parts.push({ type: 'text', text: open.text, ...wanted });
    } else if (open.text !== '' || replay !== undefined) {
      this.#parts.push({ type: 'reasoning', text: open.text, ...wanted });
    }
  }

  #tell(open: { readonly kind: 'text' | 'reasoning'; text: string }, text: string): void {
    if (text === '') return;
    open.text += text;
    this.#listener.onDelta(open.kind, text);
  }

  /** Two calls of one answer never share an id, whatever the model says. */
  #toolCall(event: Extract<ModelEvent, { type: 'tool-call' }>): ToolCallPart {
    const { replay } = event;
    const tool = this.#secrets.redactText(event.tool);
    let callId = this.#secrets.redactText(event.callId);
    if (callId === '') callId = `call-${this.#callIds.size}`;
    while (this.#callIds.has(callId)) callId = `${callId}+`;
    this.#callIds.add(callId);
    const args = parseArguments(this.#secrets.redactText(event.args));
    const clean = replay === undefined ? {} : { replay: this.#secrets.redactJson(replay) };
    return { type: 'tool-call', callId, tool, args, ...clean };
  }
}

type SecretStream = ReturnType<SecretVault['stream']>;

function parseArguments(text: string): JsonValue {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return findNonJson(value) === undefined ? (value as JsonValue) : text;
  } catch {
    return text;
  }
}
