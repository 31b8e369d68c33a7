import { isLashError, LashError } from '../../core/error.ts';

/** What a failure is judged by besides itself. */
export interface FailureContext {
  /** The model's name, for messages. */
  readonly model: string;
  /** Whether the answer had begun: a connection that fails then was there before. */
  readonly streaming: boolean;
  /** MIME types of the request's images. */
  readonly media: readonly string[];
  readonly maxContextTokens: number | undefined;
}

/** What is known of an error, whatever class it is: the classes of another copy of a package cannot be asked for. */
interface Failure {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
  readonly url: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Message and response body: where servers say what was wrong. */
  readonly words: string;
}

const OVERFLOW =
  /context[_ -]?(?:length|window|size)|maximum context|too many (?:input )?tokens|(?:prompt|input|request) (?:is |was )?too (?:long|large)|input token count|exceeds? .{0,40}\b(?:maximum|limit|allowed)\b.{0,40}tokens|reduce the length/i;
const RATE_LIMIT =
  /rate[_ -]?limit|too many requests|tokens per (?:min|day)|requests per (?:min|day)|\bTPM\b|quota/i;
const OUT_OF_QUOTA = /insufficient_quota|billing|credit balance/i;
const NETWORK = /fetch|network|load failed|connect|socket|terminated/i;
const INVALID_STREAM: ReadonlySet<string> = new Set([
  'AI_JSONParseError',
  'AI_TypeValidationError',
  'AI_InvalidResponseDataError',
]);

/**
 * `error` as an error of this package (rule PR3). The message is in plain words, holds what the server said, and
 * nothing of the request.
 */
export function toProviderError(error: unknown, context: FailureContext): LashError {
  if (isLashError(error)) return error;
  const failure = inspect(error);
  return (
    byName(failure, context) ??
    (failure.status === undefined || failure.status < 400
      ? withoutStatus(failure, context, error)
      : byStatus(failure, failure.status, context))
  );
}

function byName(failure: Failure, context: FailureContext): LashError | undefined {
  const { model } = context;
  if (INVALID_STREAM.has(failure.name)) {
    return new LashError(
      'ProviderStreamInvalid',
      `${model} sent something that is not the protocol: ${said(failure)}`,
      {},
    );
  }
  switch (failure.name) {
    case 'AI_UnsupportedFunctionalityError': {
      const mime = context.media.find((type) => failure.message.includes(type)) ?? mimeIn(failure.message);
      if (mime === undefined) return rejected(failure, context, undefined);
      return new LashError('UnsupportedMedia', `${model} cannot take attachments of type ${mime}`, { mime });
    }
    case 'AI_LoadAPIKeyError':
      return new LashError('ProviderUnauthorized', `${model} needs an API key, and has none`, {
        status: 401,
      });
    case 'AI_EmptyResponseBodyError':
      return new LashError('ProviderEmptyResponse', `${model} answered with nothing`, {});
    default:
      return undefined;
  }
}

function byStatus(failure: Failure, status: number, context: FailureContext): LashError {
  const text = `The model server answered ${status}: ${said(failure)}`;
  if (status === 401 || status === 403) return new LashError('ProviderUnauthorized', text, { status });
  if (status === 429) {
    const retryable = !OUT_OF_QUOTA.test(failure.words);
    return new LashError(
      'ProviderRateLimited',
      text,
      { status, ...retryAfter(failure.headers) },
      { retryable },
    );
  }
  if (isOverflow(failure)) return overflow(failure, context);
  if (status === 408 || status === 409 || status === 425 || status >= 500) {
    return new LashError('ProviderUnavailable', text, { status, ...retryAfter(failure.headers) });
  }
  return rejected(failure, context, status);
}

function withoutStatus(failure: Failure, context: FailureContext, error: unknown): LashError {
  if (isOverflow(failure)) return overflow(failure, context);
  if (RATE_LIMIT.test(failure.words)) {
    return new LashError('ProviderRateLimited', `The model server refused: ${said(failure)}`, {
      status: 429,
    });
  }
  if (context.streaming && error instanceof Error) {
    const text = `The connection to ${context.model} ended in the middle of the answer: ${said(failure)}`;
    return new LashError('ProviderStreamInterrupted', text, {});
  }
  if (NETWORK.test(failure.message) || failure.name === 'AI_APICallError') {
    const text = `No answer from the model server${hostOf(failure)}: it is offline, not running, or does not allow this page to call it (CORS)`;
    return new LashError('ProviderUnavailable', text, {});
  }
  if (context.streaming && !/invalid_request/i.test(failure.words)) {
    return new LashError('ProviderUnavailable', `The model server failed: ${said(failure)}`, {});
  }
  return rejected(failure, context, undefined, error);
}

function isOverflow({ words }: Failure): boolean {
  return OVERFLOW.test(words) && !RATE_LIMIT.test(words);
}

function overflow(failure: Failure, { model, maxContextTokens }: FailureContext): LashError {
  const data = maxContextTokens === undefined ? {} : { maxContextTokens };
  return new LashError(
    'ContextOverflow',
    `The request is longer than ${model} can take: ${said(failure)}`,
    data,
  );
}

function rejected(
  failure: Failure,
  { model }: FailureContext,
  status: number | undefined,
  cause?: unknown,
): LashError {
  const text = `${model} refused the request${status === undefined ? '' : ` (${status})`}: ${said(failure)}`;
  const data = status === undefined ? {} : { status };
  return new LashError('ProviderRejected', text, data, cause === undefined ? {} : { cause });
}

/**
 * The server's wish in milliseconds: `retry-after-ms`, or `retry-after` in seconds or as a date. Anything else is no
 * wish, and not read as one to be asked again at once.
 */
function retryAfter(headers: Readonly<Record<string, string>>): { readonly retryAfterMs?: number } {
  const exact = duration(headers['retry-after-ms']);
  if (exact !== undefined) return { retryAfterMs: Math.ceil(exact) };
  const text = headers['retry-after'];
  const seconds = duration(text);
  if (seconds !== undefined) return { retryAfterMs: Math.ceil(seconds * 1000) };
  // Engines take more for a date than HTTP does: "try 5" is a day in May.
  const date = text?.endsWith(' GMT') === true ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? {} : { retryAfterMs: Math.max(0, date - Date.now()) };
}

function duration(text: string | undefined): number | undefined {
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}

function mimeIn(text: string): string | undefined {
  return /\b(?:image|audio|video|application|text)\/[\w.+*-]+/.exec(text)?.[0];
}

function hostOf({ url }: Failure): string {
  return url !== undefined && URL.canParse(url) ? ` at ${new URL(url).origin}` : '';
}

/** What the server said, shortened to what a person reads. */
function said({ message }: Failure): string {
  const text = message.replaceAll(/\s+/g, ' ').trim();
  if (text === '') return 'no reason given';
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

function inspect(error: unknown): Failure {
  const fields: Readonly<Record<string, unknown>> =
    typeof error === 'object' && error !== null ? { ...error } : {};
  const name = error instanceof Error ? error.name : '';
  const text = (key: string): string => (typeof fields[key] === 'string' ? fields[key] : '');
  const message =
    error instanceof Error ? error.message : typeof error === 'string' ? error : text('message');
  const status = fields['statusCode'] ?? fields['status'] ?? fields['code'];
  const headers = new Headers(isRecord(fields['responseHeaders']) ? fields['responseHeaders'] : {});
  return {
    name,
    // A parser quotes what it could not read, which can be long and is the answer's own text.
    message: INVALID_STREAM.has(name) ? message.split(/[:\n]/, 1).join('') : message,
    status: typeof status === 'number' ? status : undefined,
    url: typeof fields['url'] === 'string' ? fields['url'] : undefined,
    headers: Object.fromEntries(headers),
    words: [message, text('code'), text('type'), text('responseBody').slice(0, 10_000)].join('\n'),
  };
}

function isRecord(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((item) => typeof item === 'string')
  );
}
