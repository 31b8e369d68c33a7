import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { evaluate, MAX_EXPRESSION_LENGTH } from '../../src/demo/tools/expression.ts';

describe('the value of an expression', () => {
  test.each([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['10 - 4 - 3', 3],
    ['100 / 5 / 2', 10],
    ['100 / 5 * 2', 40],
    ['17 % 5 * 2', 4],
    ['2 * 3 ^ 2', 18],
    ['2 ^ 3 ^ 2', 512],
    ['1 + 2 * 3 - 4 / 2', 5],
  ])('follows the precedence of the operators: %s', (expression, value) => {
    expect(evaluate(expression)).toBe(value);
  });

  test.each([
    ['-3', -3],
    ['+3', 3],
    ['--3', 3],
    ['2 - -3', 5],
    ['2--3', 5],
    ['2 * -3', -6],
    ['-2 ^ 2', -4],
    ['(-2) ^ 2', 4],
    ['2 ^ -2', 0.25],
    ['-(1 + 2)', -3],
    ['-sqrt(9)', -3],
  ])('knows signs: %s', (expression, value) => {
    expect(evaluate(expression)).toBe(value);
  });

  test.each([
    ['abs(-2)', 2],
    ['ceil(1.2)', 2],
    ['cos(0)', 1],
    ['exp(0)', 1],
    ['floor(-1.2)', -2],
    ['ln(e)', 1],
    ['log(1000)', 3],
    ['max(1, 7, 3)', 7],
    ['min(4, 2 - 5)', -3],
    ['round(2.5)', 3],
    ['sin(0)', 0],
    ['sqrt(2 + 14)', 4],
    ['tan(0)', 0],
    ['SQRT(max(9, min(16, 100)))', 4],
  ])('knows functions: %s', (expression, value) => {
    expect(evaluate(expression)).toBe(value);
  });

  test.each([
    ['.5 + 1.', 1.5],
    ['2e3', 2000],
    ['1.5E-2', 0.015],
    ['tau / pi', 2],
    [' 7\t*\n8 ', 56],
    ['6 × 7 ÷ 2 − 1', 20],
  ])('reads numbers as people write them: %s', (expression, value) => {
    expect(evaluate(expression)).toBe(value);
  });

  test('is that of the tree which the text means', () => {
    fc.assert(
      fc.property(tree, (root) => {
        fc.pre(Number.isFinite(root.value));
        expect(evaluate(root.text)).toBe(root.value);
      }),
      { seed: 20_261_122, numRuns: 500 },
    );
  });
});

describe('an expression without a value', () => {
  test.each(['1 / 0', '-1 / 0', '0 / 0', '5 % 0', '9 ^ 9 ^ 9', '1e999', 'sqrt(-1)', 'ln(0)', 'exp(1000)'])(
    'is named: %s',
    (expression) => {
      expect(() => evaluate(expression)).toThrow(`The result of ${expression} is not a finite number.`);
    },
  );

  test.each([
    ['', 'The expression ends too early.'],
    [' \n ', 'The expression ends too early.'],
    ['1 +', 'The expression ends too early.'],
    ['2 ^', 'The expression ends too early.'],
    ['1 $ 2', 'Cannot read the expression from " $ 2" on.'],
    ['1 + é', 'Cannot read the expression from " é" on.'],
    ['1 2', 'Unexpected "2" in the expression.'],
    ['2(3)', 'Unexpected "(" in the expression.'],
    ['1.2.3', 'Unexpected ".3" in the expression.'],
    ['2e', 'Unexpected "e" in the expression.'],
    ['1, 2', 'Unexpected "," in the expression.'],
    ['(1 + 2))', 'Unexpected ")" in the expression.'],
    ['(1 + 2', 'Expected ")" and found the end.'],
    ['sqrt', 'Expected "(" and found the end.'],
    ['sqrt 4', 'Expected "(" and found "4".'],
    ['max(1 2)', 'Expected ")" and found "2".'],
    ['max()', '")" is not known here'],
    ['* 2', '"*" is not known here'],
    ['2 * * 3', '"*" is not known here'],
    ['sqrt(1, 2)', 'sqrt takes one value.'],
    ['foo + 1', '"foo" is not known here'],
  ])('says what is wrong, and where: %j', (expression, message) => {
    expect(() => evaluate(expression)).toThrow(message);
  });

  test('is one that is too deep, in any way of nesting', () => {
    const nestings: readonly ((depth: number) => string)[] = [
      (depth) => `${'('.repeat(depth)}1${')'.repeat(depth)}`,
      (depth) => `${'abs('.repeat(depth)}1${')'.repeat(depth)}`,
      (depth) => `${'1^'.repeat(depth)}1`,
    ];
    for (const nest of nestings) {
      expect(evaluate(nest(49))).toBe(1);
      expect(() => evaluate(nest(100))).toThrow('The expression is nested more than 50 deep.');
    }
  });

  test('is not one that is long without being deep', () => {
    for (const piece of ['(1)', '1^1', 'abs(1)', '1*1', '-1^-1*-1'])
      expect(evaluate(Array.from({ length: 99 }, () => piece).join('+'))).toBe(99);
  });

  test('is one that is too long', () => {
    const longest = `1${'+1'.repeat(MAX_EXPRESSION_LENGTH / 2 - 1)}`.padEnd(MAX_EXPRESSION_LENGTH);
    expect(evaluate(longest)).toBe(MAX_EXPRESSION_LENGTH / 2);
    expect(evaluate(`${'-'.repeat(MAX_EXPRESSION_LENGTH - 2)}12`.slice(0, MAX_EXPRESSION_LENGTH))).toBe(12);
    expect(() => evaluate(`${longest} `)).toThrow(`longer than ${MAX_EXPRESSION_LENGTH} characters`);
  });
});

describe('what is no arithmetic', () => {
  test.each([
    'globalThis.evaluated = 1',
    'globalThis["evaluated"] = 1',
    'evaluated = 1',
    '(() => { globalThis.evaluated = 1 })()',
    'constructor.constructor("globalThis.evaluated = 1")()',
    'constructor',
    'toString',
    'valueOf(1)',
    '__proto__',
    'abs.constructor(1)',
    'import("data:text/javascript,globalThis.evaluated=1")',
    '`${globalThis.evaluated = 1}`',
    '1; 2',
    '[1]',
    '0x10',
    '1n',
    '"1"',
    '1 < 2',
    '2 ** 3',
    'Infinity',
    'NaN',
  ])('is refused and never run: %s', (text) => {
    expect(() => evaluate(text)).toThrow(/^(?:Cannot read|Unexpected|Expected|".*" is not known here)/);
    expect(globalThis).not.toHaveProperty('evaluated');
  });

  test('never gives anything but a finite number or an error with words', () => {
    const scraps = [
      '1',
      '.',
      '2e',
      '(',
      ')',
      '+',
      '-',
      '*',
      '/',
      '%',
      '^',
      ',',
      'pi',
      'max',
      'abs',
      ' ',
      '$',
      'é',
    ];
    const text = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.array(fc.constantFrom(...scraps), { maxLength: 60 }).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(text, (expression) => {
        expect(Number.isFinite(outcomeOf(expression))).toBe(true);
      }),
      { seed: 20_261_122, numRuns: 2000 },
    );
  });
});

/** The value, or the length of the sentence that says why there is none; not finite when neither is right. */
function outcomeOf(expression: string): number {
  try {
    return evaluate(expression);
  } catch (error) {
    const plain = error instanceof Error && error.constructor === Error && error.message !== '';
    return plain ? error.message.length : Number.NaN;
  }
}

interface Tree {
  readonly text: string;
  readonly value: number;
  readonly strength: number;
}

const OPERATIONS: readonly {
  readonly sign: string;
  readonly strength: number;
  readonly apply: (a: number, b: number) => number;
}[] = [
  { sign: '+', strength: 1, apply: (a, b) => a + b },
  { sign: '-', strength: 1, apply: (a, b) => a - b },
  { sign: '*', strength: 2, apply: (a, b) => a * b },
  { sign: '/', strength: 2, apply: (a, b) => a / b },
  { sign: '%', strength: 2, apply: (a, b) => a % b },
];

/** Trees written with no more parentheses than they need. */
const tree: fc.Arbitrary<Tree> = fc.letrec<{ root: Tree; number: Tree; operation: Tree }>((tie) => ({
  root: fc.oneof({ maxDepth: 6 }, tie('number'), tie('operation')),
  number: fc.nat({ max: 1000 }).map((value) => ({ text: String(value), value, strength: 3 })),
  operation: fc
    .tuple(fc.constantFrom(...OPERATIONS), tie('root'), tie('root'))
    .map(([{ sign, strength, apply }, left, right]) => ({
      text: `${enclosed(left, strength)} ${sign} ${enclosed(right, strength + 1)}`,
      value: apply(left.value, right.value),
      strength,
    })),
})).root;

function enclosed({ text, strength }: Tree, weakest: number): string {
  return strength < weakest ? `(${text})` : text;
}
