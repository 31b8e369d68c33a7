import { expect, test } from 'vitest';

import { summaryRequest } from '../../src/plugins/internal/summary-plan.ts';
import { summaryIn } from '../../src/providers/internal/builtin-summary.ts';

test('the built-in model summarises what the user said, as it is asked by rollingHistory', () => {
  const first = '[user] My cat is called Tom.\n\n[assistant] I noted that.\n\n[user] What is 2 + 2?';
  const one = summaryIn(summaryRequest(first, undefined, 100));
  expect(one).toBe('The user said:\n- My cat is called Tom.\n- What is 2 + 2?');
  const two = summaryIn(summaryRequest(`[user] ${'x'.repeat(500)}`, one, 100)) ?? '';
  expect(two).toMatch(/^The user said:\n- My cat is called Tom\.\n- What is 2 \+ 2\?\n- x{99}…$/);
});

test('however often a summary is brought up to date, it stays short', () => {
  let summary: string | undefined;
  for (let turn = 0; turn < 100; turn++)
    summary = summaryIn(summaryRequest(`[user] question ${turn}`, summary, 100));
  expect(summary?.split('\n')).toHaveLength(31);
  expect(summary).toContain('question 99');
});

test('what asks for something else is answered otherwise', () => {
  expect(summaryIn('Summarise my file.')).toBe(undefined);
});
