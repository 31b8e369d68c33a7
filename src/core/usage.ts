/** Token counts of model calls. `cachedInputTokens` is the part of `inputTokens` that the provider read from a cache. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly reasoningTokens: number;
}

/** Tokens that something used: `source` says what for (`turn` for a turn's own model calls), `model` who counted. */
export interface UsageEntry {
  readonly source: string;
  readonly model: string;
  readonly usage: TokenUsage;
}

/** No tokens at all. */
export const NO_USAGE: TokenUsage = Object.freeze({
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  reasoningTokens: 0,
});

/** The sum, field by field; `a` itself when `b` is zero. */
export function addUsage(a: TokenUsage, b: TokenUsage): TokenUsage {
  if (isNoUsage(b)) return a;
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  };
}

/** Input and output tokens together: cached and reasoning tokens are parts of these. */
export function totalTokens({ inputTokens, outputTokens }: TokenUsage): number {
  return inputTokens + outputTokens;
}

/** Whether every count is zero, the cached ones too. */
export function isNoUsage(usage: TokenUsage): boolean {
  return (
    usage.inputTokens === 0 &&
    usage.outputTokens === 0 &&
    usage.cachedInputTokens === 0 &&
    usage.reasoningTokens === 0
  );
}

/** `ledger` with `entries` added to the rows of the same source and model; rows keep the order of first use. */
export function addToLedger(
  ledger: readonly UsageEntry[],
  entries: readonly UsageEntry[],
): readonly UsageEntry[] {
  let sum = ledger;
  for (const entry of entries) {
    if (isNoUsage(entry.usage)) continue;
    const at = sum.findIndex((row) => row.source === entry.source && row.model === entry.model);
    const row = sum[at];
    sum =
      row === undefined ? [...sum, entry] : sum.with(at, { ...row, usage: addUsage(row.usage, entry.usage) });
  }
  return sum;
}

/** What all rows of a ledger add up to. */
export function totalUsage(ledger: readonly UsageEntry[]): TokenUsage {
  return ledger.reduce((sum, entry) => addUsage(sum, entry.usage), NO_USAGE);
}
