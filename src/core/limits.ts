/** How often a model call is tried, and how long it is waited in between. Times are milliseconds. */
export interface RetryLimits {
  readonly maxAttempts: number;
  /** Wait before the second attempt; doubled for each further one. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /**
   * A server's `retry-after` is honoured up to this, by all sessions of a worker. A longer one ends the turn, and each one that
   * asks that provider before the time is up, as `ProviderRateLimited`, which says how long.
   */
  readonly retryAfterCapMs: number;
}
