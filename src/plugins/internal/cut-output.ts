import { utf8Length } from '../../core/json.ts';

/** How much of a text is shown, and which end of it. */
export interface OutputBudget {
  readonly maxBytes: number;
  readonly maxLines: number;
  readonly keep: 'head' | 'tail';
}

/**
 * Whole lines of `text` from the end that is kept, and a line that says what is missing; a part of a line where that would be
 * less than half of what may be shown. `undefined` where the whole fits. `unseenBytes`: how much longer the whole is than `text`.
 */
export function cutOutput(text: string, budget: OutputBudget, unseenBytes = 0): string | undefined {
  const { maxBytes, maxLines, keep } = budget;
  const size = utf8Length(text);
  const lines = text.split('\n');
  if (unseenBytes === 0 && size <= maxBytes && lines.length <= maxLines) return undefined;
  const kept =
    keep === 'head' ? wholeLines(lines, budget) : wholeLines(lines.toReversed(), budget).toReversed();
  const whole = kept.join('\n');
  const isWhole = kept.length === maxLines || utf8Length(whole) >= maxBytes / 2;
  const shown = isWhole ? whole : edgeOf(text, budget);
  const marker =
    isWhole && unseenBytes === 0
      ? `...${lines.length - kept.length} lines truncated...`
      : `...${size + unseenBytes - utf8Length(shown)} bytes truncated...`;
  return keep === 'head' ? `${shown}\n${marker}` : `${marker}\n${shown}`;
}

function wholeLines(lines: readonly string[], { maxBytes, maxLines }: OutputBudget): string[] {
  const kept: string[] = [];
  let bytes = 0;
  for (const line of lines.slice(0, maxLines)) {
    bytes += utf8Length(line) + 1;
    if (bytes > maxBytes + 1) break;
    kept.push(line);
  }
  return kept;
}

/** As much of one end as may be shown, without a half of a character. */
function edgeOf(text: string, { maxBytes, keep }: OutputBudget): string {
  const bytes = new TextEncoder().encode(text);
  return keep === 'head'
    ? new TextDecoder().decode(bytes.subarray(0, maxBytes)).replace(/\uFFFD$/u, '')
    : new TextDecoder().decode(bytes.subarray(-maxBytes)).replace(/^\uFFFD+/u, '');
}
