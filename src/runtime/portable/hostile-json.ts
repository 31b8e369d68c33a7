import type { JsonObject, JsonValue } from '../../core/json.ts';
import { importInvalid } from './import-error.ts';

/** Keys that could reach a prototype. */
const REFUSED_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * The JSON value of a text that somebody else wrote. Nesting is measured before it is parsed.
 *
 * @throws `ImportInvalid` for text that is no JSON, nests deeper than `maxDepth`, holds a number that is not finite, or a
 *   key named `__proto__`, `constructor` or `prototype` at any depth
 */
export function parseHostile(text: string, line: number, maxDepth: number): JsonValue {
  if (depthOf(text) > maxDepth) throw importInvalid(line, `it nests deeper than ${maxDepth}`);
  const value = parse(text, line);
  checkValue(value, line);
  return value;
}

/** Whether `value` is an object that is not a list. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(text: string, line: number): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    if (error instanceof SyntaxError) throw importInvalid(line, 'it is not JSON', error);
    throw error;
  }
}

/** How deep brackets nest, those within strings left out. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (inString) {
      if (char === '\\') index++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '[' || char === '{') deepest = Math.max(deepest, ++depth);
    else if (char === ']' || char === '}') depth--;
  }
  return deepest;
}

function checkValue(value: JsonValue, line: number): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw importInvalid(line, 'it holds a number that is too large');
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    if (REFUSED_KEYS.has(key)) throw importInvalid(line, `it holds a key ${key}`);
    if (item !== undefined) checkValue(item, line);
  }
}
