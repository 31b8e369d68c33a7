/** The longest expression that is calculated, in characters. */
export const MAX_EXPRESSION_LENGTH = 1000;

const MAX_DEPTH = 50;

const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ['pi', Math.PI],
  ['e', Math.E],
  ['tau', 2 * Math.PI],
]);

const FUNCTIONS: ReadonlyMap<string, (...values: number[]) => number> = new Map([
  ['abs', (x) => Math.abs(x)],
  ['ceil', (x) => Math.ceil(x)],
  ['cos', (x) => Math.cos(x)],
  ['exp', (x) => Math.exp(x)],
  ['floor', (x) => Math.floor(x)],
  ['ln', (x) => Math.log(x)],
  ['log', (x) => Math.log10(x)],
  ['max', (...values) => Math.max(...values)],
  ['min', (...values) => Math.min(...values)],
  ['round', (x) => Math.round(x)],
  ['sin', (x) => Math.sin(x)],
  ['sqrt', (x) => Math.sqrt(x)],
  ['tan', (x) => Math.tan(x)],
]);

/** A left-associative operator: how tightly it binds, and what it does. */
interface Operator {
  readonly strength: number;
  readonly apply: (a: number, b: number) => number;
}

const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ['+', { strength: 1, apply: (a, b) => a + b }],
  ['-', { strength: 1, apply: (a, b) => a - b }],
  ['*', { strength: 2, apply: (a, b) => a * b }],
  ['/', { strength: 2, apply: (a, b) => a / b }],
  ['%', { strength: 2, apply: (a, b) => a % b }],
]);

const TOKEN =
  /\s*(?:(?<number>\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|(?<name>[a-z]+)|(?<sign>[-+*/%^(),]))/iy;

/**
 * The value of an arithmetic expression: `+ - * / % ^`, parentheses, the constants `pi`, `e` and `tau`, and functions
 * such as `sqrt(2)` or `max(1, 2)`. `^` binds tightest and to the right, so that `-2^2` is -4.
 *
 * @throws an `Error` that says what is wrong, in words that a model can act on.
 */
export function evaluate(expression: string): number {
  if (expression.length > MAX_EXPRESSION_LENGTH) {
    throw new Error(`The expression is longer than ${MAX_EXPRESSION_LENGTH} characters.`);
  }
  const parser = new Parser(tokenize(expression.replace(/[×·]/g, '*').replace(/÷/g, '/').replace(/−/g, '-')));
  const value = parser.whole();
  if (!Number.isFinite(value)) throw new Error(`The result of ${expression} is not a finite number.`);
  return value;
}

function tokenize(text: string): readonly string[] {
  const tokens: string[] = [];
  const pattern = new RegExp(TOKEN);
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw new Error(`Cannot read the expression from "${text.slice(at, at + 12)}" on.`);
    tokens.push(match[0].trim().toLowerCase());
  }
  return tokens;
}

class Parser {
  private position = 0;
  private depth = 0;
  private readonly tokens: readonly string[];

  constructor(tokens: readonly string[]) {
    this.tokens = tokens;
  }

  whole(): number {
    const value = this.sum(0);
    if (this.position < this.tokens.length) throw new Error(`Unexpected "${this.next()}" in the expression.`);
    return value;
  }

  private sum(weakest: number): number {
    if (++this.depth > MAX_DEPTH) throw new Error(`The expression is nested more than ${MAX_DEPTH} deep.`);
    let left = this.signed();
    for (;;) {
      const operator = OPERATORS.get(this.tokens[this.position] ?? '');
      if (operator === undefined || operator.strength <= weakest) break;
      this.position++;
      left = operator.apply(left, this.sum(operator.strength));
    }
    this.depth--;
    return left;
  }

  private signed(): number {
    let sign = 1;
    while (this.tokens[this.position] === '-' || this.tokens[this.position] === '+') {
      if (this.next() === '-') sign = -sign;
    }
    return sign * this.power();
  }

  private power(): number {
    const base = this.primary();
    if (this.tokens[this.position] !== '^') return base;
    this.position++;
    if (++this.depth > MAX_DEPTH) throw new Error(`The expression is nested more than ${MAX_DEPTH} deep.`);
    const exponent = this.signed();
    this.depth--;
    return base ** exponent;
  }

  private primary(): number {
    const token = this.next();
    if (token === '(') {
      const value = this.sum(0);
      this.expect(')');
      return value;
    }
    if (/^[\d.]/.test(token)) return Number(token);
    const apply = FUNCTIONS.get(token);
    if (apply !== undefined) return this.call(token, apply);
    const constant = CONSTANTS.get(token);
    if (constant !== undefined) return constant;
    throw new Error(
      token === ''
        ? 'The expression ends too early.'
        : `"${token}" is not known here; use numbers, + - * / % ^ and functions.`,
    );
  }

  private call(name: string, apply: (...values: number[]) => number): number {
    this.expect('(');
    const values = [this.sum(0)];
    while (this.tokens[this.position] === ',') {
      this.position++;
      values.push(this.sum(0));
    }
    this.expect(')');
    if (values.length > 1 && apply.length === 1) throw new Error(`${name} takes one value.`);
    return apply(...values);
  }

  private next(): string {
    return this.tokens[this.position++] ?? '';
  }

  private expect(sign: string): void {
    const token = this.next();
    if (token !== sign)
      throw new Error(`Expected "${sign}" and found ${token === '' ? 'the end' : `"${token}"`}.`);
  }
}
