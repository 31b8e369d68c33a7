const FUNCTIONS = 'sqrt|abs|round|floor|ceil|sin|cos|tan|ln|log|exp|min|max';

/** Numbers, signs and functions in a row: what may be an expression once its edges are trimmed. */
const RUN = new RegExp(
  String.raw`(?:\b(?:${FUNCTIONS})(?=\s*\()|\bpi\b|\d[\d.]*|\.\d+|[-+*/%^(),\s])+`,
  'gi',
);
const ASKED =
  /\b(?:calculate|compute|evaluate|solve|work out|how much|how many|what(?:'s|’s| is| are))\b|[=?]/i;
const OPERATION = new RegExp(String.raw`[\d)i]\s*[-+*/%^]\s*[-+(\d.a-z]|\b(?:${FUNCTIONS})\s*\(`, 'i');
const DATE = /^\d{4}-\d{1,2}-\d{1,2}$/;

const WORDS: readonly (readonly [RegExp, string])[] = [
  [/(\d),(?=\d{3}\b)/g, '$1'],
  [/(\d+(?:\.\d+)?)\s*(?:%|percent)\s+of\s+/gi, '$1 / 100 * '],
  [/\bthe square root of\s+(\d[\d.]*)/gi, 'sqrt($1)'],
  [/\bsquare root of\s+(\d[\d.]*)/gi, 'sqrt($1)'],
  [/([\d)])\s+squared\b/gi, '$1 ^ 2'],
  [/([\d)])\s+(?:times|multiplied by)\s+/gi, '$1 * '],
  [/([\d)])\s+(?:divided by)\s+/gi, '$1 / '],
  [/([\d)])\s+plus\s+/gi, '$1 + '],
  [/([\d)])\s+minus\s+/gi, '$1 - '],
  [/([\d)])\s+to the power of\s+/gi, '$1 ^ '],
  [/(\d)\s*[x×·]\s*(?=[\d(])/gi, '$1 * '],
  [/÷/g, '/'],
  [/−/g, '-'],
  [/\*\*/g, '^'],
];

/** The arithmetic expressions that a message asks to calculate, in order, in signs that a calculator reads. */
export function expressionsIn(text: string): readonly string[] {
  const signs = WORDS.reduce((sum, [words, sign]) => sum.replaceAll(words, sign), text);
  const found = (signs.match(RUN) ?? []).flatMap(splitAtCommas).map(trimEdges).filter(isExpression);
  const length = found.reduce((sum, expression) => sum + expression.length, 0);
  return ASKED.test(text) || 2 * length >= text.trim().length ? found : [];
}

function isExpression(text: string): boolean {
  return OPERATION.test(text) && !DATE.test(text);
}

/** Commas separate expressions, except between the values of a function. */
function splitAtCommas(run: string): readonly string[] {
  const parts = [''];
  let depth = 0;
  for (const sign of run) {
    if (sign === '(') depth++;
    if (sign === ')') depth--;
    if (sign === ',' && depth <= 0) parts.push('');
    else parts.push(`${parts.pop() ?? ''}${sign}`);
  }
  return parts;
}

/** Without signs that belong to the sentence around it. */
function trimEdges(text: string): string {
  let trimmed = text;
  for (;;) {
    const before = trimmed;
    trimmed = trimmed.replace(/^[\s,.*/%^)]+/, '').replace(/[\s,.\-+*/^(]+$/, '');
    const surplus = (trimmed.match(/\(/g)?.length ?? 0) - (trimmed.match(/\)/g)?.length ?? 0);
    if (surplus > 0 && trimmed.startsWith('(')) trimmed = trimmed.slice(1);
    if (surplus < 0 && trimmed.endsWith(')')) trimmed = trimmed.slice(0, -1);
    if (trimmed === before) return trimmed.replaceAll(/\s+/g, ' ');
  }
}
