import type { JsonObject, JsonValue } from '../../core/json.ts';

const PLAN =
  /^(?:(?:please )?(?:keep|make|write down) (?:a|the|my) )?(?:plan|to-?do(?: list)?)\b[^:\n]{0,40}:\s*(?<steps>.+)$/i;
const TICKED = /^(?:please )?(?:tick|cross|check) off (?:the )?(?<step>.+)$/i;

/**
 * The plan that a message asks to write down: its steps, between commas, semicolons or the last "and", as the tool's
 * `schema` wants them.
 */
export function plansIn(text: string, schema: JsonObject): readonly JsonObject[] {
  const toStep = stepFor(schema);
  return linesOf(text).flatMap((line) => {
    const steps = PLAN.exec(line)?.groups?.['steps'];
    if (steps === undefined) return [];
    const parts = steps.split(/\s*[,;]\s*(?:and\s+)?|\s+and\s+/i).map((step) => step.trim());
    return [{ steps: parts.filter((step) => step !== '').map(toStep) }];
  });
}

/** The steps that a message asks to tick off, one for each sentence. */
export function tickedIn(text: string): readonly JsonObject[] {
  return linesOf(text).flatMap((line) => {
    const step = TICKED.exec(line)?.groups?.['step'];
    return step === undefined ? [] : [{ step }];
  });
}

/** How a step is written: as a text, or as an object with one text where `schema` has that, and no mark set. */
function stepFor(schema: JsonObject): (text: string) => JsonValue {
  const fields = Object.entries(at(schema, 'properties', 'steps', 'items', 'properties'));
  const ofType = (type: string): readonly string[] =>
    fields.flatMap(([name, field]) => (at(field)['type'] === type ? name : []));
  const [name, ...others] = ofType('string');
  if (name === undefined || others.length > 0) return (text) => text;
  const marks = Object.fromEntries(ofType('boolean').map((mark) => [mark, false]));
  return (text) => ({ [name]: text, ...marks });
}

/** What lies at the end of a way of names; an object without fields where nothing does. */
function at(value: JsonValue | undefined, ...names: readonly string[]): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const [name, ...rest] = names;
  const found = value as JsonObject;
  return name === undefined ? found : at(found[name], ...rest);
}

function linesOf(text: string): readonly string[] {
  return text.split(/(?<=[.!?])\s+|\n+/).map((line) => line.trim().replace(/[.!?\s]+$/, ''));
}
