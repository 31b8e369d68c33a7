import { isLashError, LashError } from '../../core/error.ts';

/** What a failure of the browser's model is judged by besides its name. */
export interface ChromeFailure {
  /** Whether the answer had begun. */
  readonly streaming: boolean;
  /** MIME types of the request's images. */
  readonly media: readonly string[];
}

/** What the browser's model threw, as an error of this package (rule PR3). */
export function toChromeError(error: unknown, { streaming, media }: ChromeFailure): LashError {
  if (isLashError(error)) return error;
  const { name, message, quota } = inspect(error);
  const options = { cause: error };
  switch (name) {
    case 'QuotaExceededError': {
      const data = typeof quota === 'number' && Number.isFinite(quota) ? { maxContextTokens: quota } : {};
      const text = `The request is longer than the browser's model can take: ${message}`;
      return new LashError('ContextOverflow', text, data, options);
    }
    case 'NotAllowedError': {
      const text = `The browser does not let this page use its model now; where it has to be downloaded first, that begins with a click or a key: ${message}`;
      return new LashError('ProviderRejected', text, {}, options);
    }
    case 'NotSupportedError': {
      const [mime] = media;
      if (mime === undefined) return rejected(message, options);
      return new LashError('UnsupportedMedia', `The browser's model cannot take ${mime}`, { mime }, options);
    }
    case 'NetworkError':
    case 'OperationError':
    case 'UnknownError':
    case 'InvalidStateError':
    case 'AbortError': {
      if (streaming) {
        const text = `The browser's model broke off in the middle of the answer: ${message}`;
        return new LashError('ProviderStreamInterrupted', text, {}, options);
      }
      return new LashError('ProviderUnavailable', `The browser's model failed: ${message}`, {}, options);
    }
    default:
      return rejected(message, options);
  }
}

/** The model's words were kept back by the browser. */
export function isFiltered(error: unknown): boolean {
  return inspect(error).name === 'NotReadableError';
}

/** The browser cannot make the model do this. */
export function isUnsupported(error: unknown): boolean {
  return inspect(error).name === 'NotSupportedError';
}

function rejected(message: string, options: { readonly cause: unknown }): LashError {
  return new LashError(
    'ProviderRejected',
    `The browser's model refused the request: ${message}`,
    {},
    options,
  );
}

/** Errors of other windows are no instances of this one's classes. */
function inspect(error: unknown): {
  readonly name: string;
  readonly message: string;
  readonly quota: unknown;
} {
  const { name, message, quota } = Object(error) as Partial<Record<'name' | 'message' | 'quota', unknown>>;
  return {
    name: typeof name === 'string' ? name : '',
    message: typeof message === 'string' && message !== '' ? message : 'no reason given',
    quota,
  };
}
