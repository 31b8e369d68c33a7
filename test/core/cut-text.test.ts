import { expect, it } from 'vitest';

import { cutText } from '../../src/core/cut-text.ts';

it('[ST13] a preview ends with a whole character', () => {
  expect(cutText('hello', 3)).toBe('hel');
  expect(cutText('hello', 9)).toBe('hello');
  expect(cutText('hi 😀!', 4)).toBe('hi ');
  expect(cutText('hi 😀!', 5)).toBe('hi 😀');
});
