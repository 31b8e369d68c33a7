import type { WireError } from '../core/error.ts';
import type { RetryLimits } from '../core/limits.ts';

/** Whether a model call that failed at this attempt (from 1) is made again. */
export function isRetried(error: WireError, attempt: number, limits: RetryLimits): boolean {
  return (
    error.retryable && attempt < limits.maxAttempts && (retryAfterMs(error) ?? 0) <= limits.retryAfterCapMs
  );
}

/** How long to wait before the next attempt: what the server asks for, else doubling from the base delay. */
export function retryDelayMs(error: WireError, attempt: number, limits: RetryLimits): number {
  return retryAfterMs(error) ?? Math.min(limits.baseDelayMs * 2 ** (attempt - 1), limits.maxDelayMs);
}

function retryAfterMs(error: WireError): number | undefined {
  const wish = error.data['retryAfterMs'];
  return typeof wish === 'number' && wish >= 0 ? wish : undefined;
}
