import { utf8Length } from './json.ts';

/**
 * Roughly how many tokens a text takes: four characters of ASCII are one, a character of Chinese, Japanese or Korean is one,
 * and of other scripts something between. Three bytes are at most one token.
 */
export function estimateTokens(text: string): number {
  // What UTF-8 takes beyond one byte a unit tells scripts apart: nothing, one byte for a unit, or two.
  const further = utf8Length(text) - text.length;
  return Math.ceil(text.length / 4 + (3 / 8) * further);
}

/** How many of the first UTF-16 units of a text take so many tokens, if all of it is as the whole is. */
export function lengthWithin(text: string, tokens: number): number {
  const all = estimateTokens(text);
  return all <= tokens ? text.length : Math.floor((text.length * tokens) / all);
}
