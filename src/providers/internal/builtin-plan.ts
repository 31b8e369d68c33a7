import type { JsonObject } from '../../core/json.ts';

const PLAN =
  /^(?:(?:please )?(?:keep|make|write down) (?:a|the|my) )?(?:plan|to-?do(?: list)?)\b[^:\n]{0,40}:\s*(?<steps>.+)$/i;
const TICKED = /^(?:please )?(?:tick|cross|check) off (?:the )?(?<step>.+)$/i;

/** The plan that a message asks to write down: its steps, between commas, semicolons or the last "and". */
export function plansIn(text: string): readonly JsonObject[] {
  return linesOf(text).flatMap((line) => {
    const steps = PLAN.exec(line)?.groups?.['steps'];
    if (steps === undefined) return [];
    const parts = steps.split(/\s*[,;]\s*(?:and\s+)?|\s+and\s+/i).map((step) => step.trim());
    return [{ steps: parts.filter((step) => step !== '') }];
  });
}

/** The steps that a message asks to tick off, one for each sentence. */
export function tickedIn(text: string): readonly JsonObject[] {
  return linesOf(text).flatMap((line) => {
    const step = TICKED.exec(line)?.groups?.['step'];
    return step === undefined ? [] : [{ step }];
  });
}

function linesOf(text: string): readonly string[] {
  return text.split(/(?<=[.!?])\s+|\n+/).map((line) => line.trim().replace(/[.!?\s]+$/, ''));
}
