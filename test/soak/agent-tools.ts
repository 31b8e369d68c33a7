import type { Tool } from '../../src/contract/tool.ts';
import { text } from '../bench/content.ts';

const tool = (name: string, execute: (args: Readonly<Record<string, unknown>>) => string): Tool => ({
  name,
  description: name,
  inputSchema: { type: 'object' },
  check: (value) => ({ ok: true, value }),
  execute: (args) => execute(args as Readonly<Record<string, unknown>>),
});

const notes = new Map<string, string>();

/** Tools as an agent has them: small answers, a notebook that does not grow, and long texts of many lines. */
export const TOOLS: readonly Tool[] = [
  tool('calculator', ({ expression }) => `${String(expression)} is what it is`),
  tool('remember', ({ key, value }) => {
    if (notes.size > 20) notes.clear();
    notes.set(String(key), String(value));
    return 'noted';
  }),
  tool('recall', ({ key }) => notes.get(String(key)) ?? 'nothing'),
  tool('look_up', ({ page, length }) =>
    (text(Number(length), Number(page)).match(/.{1,80}/g) ?? []).join('\n'),
  ),
];

/** What an agent is asked in this turn. */
export function questionOf(turn: number, roll: (end: number) => number): string {
  const number = roll(1000);
  switch (roll(6)) {
    case 0:
      return `What is ${number} * ${turn}?`;
    case 1:
      return `Remember that my number is ${number}.`;
    case 2:
      return 'What is my number?';
    case 3:
      return `Call look_up with {"page": ${turn}, "length": ${200 + roll(3000)}}`;
    case 4:
      return roll(4) === 0
        ? `Call look_up with {"page": ${turn}, "length": 100000}`
        : `Tell me what you think of this: ${text(400 + roll(800), turn)}`;
    default:
      return 'Hello again.';
  }
}
