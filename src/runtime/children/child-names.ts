import { sha256Of } from '../../contract/digest.ts';

/** How many digits of a digest a part of a name has: 80 bits. */
const DIGITS = 20;

/** Which call asks for child sessions. */
interface CallPlace {
  readonly turnId: string;
  readonly effect: string;
}

/** What the ids of all children begin with that this call makes, whoever performs it, and when (rule CH1). */
export async function childPrefix(sessionId: string, { turnId, effect }: CallPlace): Promise<string> {
  return `child-${await digest([sessionId, turnId, effect])}`;
}

/** What the ids of all sessions begin with that this turn passes the conversation on to. */
export async function successorPrefix(sessionId: string, turnId: string): Promise<string> {
  return `next-${await digest([sessionId, turnId])}`;
}

/** The id behind such a prefix for this key; each attempt gives another one. */
export async function nameOf(prefix: string, key: string, attempt: number): Promise<string> {
  return `${prefix}${await digest([key, attempt])}`;
}

async function digest(place: readonly (string | number)[]): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(place));
  return (await sha256Of(bytes)).slice(0, DIGITS);
}
