import { defineTool } from 'lash-web/worker';
import { string, strictObject, minLength, maxLength } from 'zod/mini';

import { evaluate, MAX_EXPRESSION_LENGTH } from './expression.ts';

/** `calculator`: the value of an arithmetic expression. Pure, and without `eval`. */
export const calculator = defineTool({
  name: 'calculator',
  description:
    'Calculates an arithmetic expression such as "(12.5 + 3) * 2^8". Knows + - * / % ^, parentheses, pi, e, and ' +
    'functions such as sqrt, abs, round, min, max, sin, ln and log.',
  input: strictObject({ expression: string().check(minLength(1), maxLength(MAX_EXPRESSION_LENGTH)) }),
  replay: 'safe',
  execute: ({ expression }) => ({ expression, result: evaluate(expression) }),
});
