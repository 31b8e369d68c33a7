import { fromWireError, LashError, toLashError, toWireError } from '../core/error.ts';
import { NO_SECRETS, redact, type SecretPatterns, secretPatterns } from '../core/redact.ts';

/** Redacts a text that arrives in pieces. What `push` and `end` return adds up to the redacted whole. */
export interface RedactingStream {
  /** The next piece, without its end where that may still become a secret. */
  push(text: string): string;
  /** What was held back. */
  end(): string;
}

/**
 * The secrets of a worker, in memory only: what providers authenticate with, and what must never be stored, traced,
 * emitted or thrown (law SE1). Secrets of fewer than 8 characters are not redacted.
 */
export class SecretVault {
  readonly #byName = new Map<string, string>();
  readonly #known = new Set<string>();
  #patterns: SecretPatterns = NO_SECRETS;

  /** Gives `name` this secret. An earlier one of that name is not given out any more, and is still redacted. */
  set(name: string, secret: string): void {
    this.#byName.set(name, secret);
    this.add(secret);
  }

  /** Redacts `secret` from now on, without a name to ask for it by. */
  add(secret: string): void {
    this.#known.add(secret);
    this.#known.add(secret.trim());
    this.#patterns = secretPatterns(this.#known);
  }

  /** Whether a secret of this name was given. */
  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** The secret of this name. @throws `CredentialsRequired` */
  credential(name: string): string {
    const secret = this.#byName.get(name);
    if (secret !== undefined) return secret;
    throw new LashError('CredentialsRequired', `The credential ${name} is needed and was not given`, {
      name,
    });
  }

  /** `text` with each secret replaced by `[redacted]`. */
  redactText(text: string): string {
    return this.#patterns.isEmpty ? text : redact(this.#patterns, text, true).text;
  }

  /**
   * `value`, which is plain data, with the secrets in its strings and keys replaced; `value` itself when there were none.
   * What is neither a string, an array nor a plain object, such as bytes, is kept as it is.
   */
  redactJson<T>(value: T): T {
    return this.#patterns.isEmpty ? value : (this.#redactValue(value) as T);
  }

  /** `error` as an error of this package, with the secrets in message, stack, data and causes replaced. */
  redactError(error: unknown): LashError {
    if (this.#patterns.isEmpty) return toLashError(error);
    return fromWireError(this.redactJson(toWireError(error)));
  }

  /** A new stream. Secrets that are set while it runs are found from then on. */
  stream(): RedactingStream {
    let rest = '';
    const step = (text: string, atEnd: boolean): string => {
      if (this.#patterns.isEmpty && rest === '') return text;
      const redaction = redact(this.#patterns, rest + text, atEnd);
      ({ rest } = redaction);
      return redaction.text;
    };
    return { push: (text) => step(text, false), end: () => step('', true) };
  }

  #redactValue(value: unknown): unknown {
    if (typeof value === 'string') return this.redactText(value);
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#redactValue(item));
      return items.every((item, index) => item === value[index]) ? value : items;
    }
    if (!isPlainObject(value)) return value;
    const before = Object.entries(value);
    const after = before.map(([key, item]) => [this.redactText(key), this.#redactValue(item)] as const);
    const same = after.every(([key, item], index) => key === before[index]?.[0] && item === before[index][1]);
    return same ? value : Object.fromEntries(after);
  }
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
