import type { JsonObject } from '../../core/json.ts';

const TOLD =
  /^(?:please )?(?:ask|have|let|get) (?:a|an|the|some|two|three|\d+)? ?(?:helper|agent)s?(?: to|:) (?<tasks>.+)$/is;

/** The tasks that a message gives to agents, a semicolon between them; each is what `spawn_agent` is called with. */
export function tasksIn(text: string): readonly JsonObject[] {
  const tasks = TOLD.exec(text.trim())?.groups?.['tasks'] ?? '';
  return tasks
    .split(/\s*;\s*(?:and )?/i)
    .map((task) => task.trim())
    .filter((task) => task !== '')
    .map((task) => ({ agent: 'helper', task }));
}
