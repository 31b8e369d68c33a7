/** How long an escape is in JSON text, in characters. */
const ESCAPE = 6;

/** The beginning of JSON text as somebody reads it: of a string the string, of anything else the JSON. */
export function jsonBeginning(json: string): string {
  const text = json.replace(/\uFFFD$/u, '');
  if (!text.startsWith('"')) return text;
  // It may end within an escape.
  for (let end = text.length; end > text.length - ESCAPE; end--) {
    const read = parsed(`${text.slice(0, end)}"`);
    if (read !== undefined) return read.replace(/\p{Surrogate}$/u, '');
  }
  return text;
}

/** The end of JSON text as somebody reads it: of a string (`isString`) the string, of anything else the JSON. */
export function jsonEnd(json: string, isString: boolean): string {
  const text = json.replace(/^\uFFFD+/u, '');
  if (!isString) return text;
  // It may begin within an escape. What is left of one may look like other characters; it is the first few of a long text.
  for (let start = 0; start < ESCAPE; start++) {
    const read = parsed(`"${text.slice(start)}`);
    if (read !== undefined) return read.replace(/^\p{Surrogate}/u, '');
  }
  return text;
}

function parsed(json: string): string | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
