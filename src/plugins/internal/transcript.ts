import { cutText } from '../../core/cut-text.ts';
import type { Part } from '../../core/message.ts';
import type { SessionNode } from '../../core/node.ts';
import { outcomeText } from '../../core/tool-call.ts';

/** How much of one message is in a transcript, in characters. */
const MESSAGE_LENGTH = 8_000;

/** How much of a tool's arguments, and of its result. */
const CALL_LENGTH = 1_000;

/** A node in words, for somebody who is to summarise it; empty for one that says nothing. */
export function nodeText({ body }: SessionNode): string {
  if (body.kind === 'plugin') return '';
  if (body.kind === 'tool') {
    const { tool, outcome } = body.invocation;
    const isStored = outcome.status === 'success' && outcome.overflow !== undefined;
    const text = isStored ? `(long: attachment ${outcome.overflow.id})` : outcomeText(outcome);
    return `[result of ${tool}] ${shortText(text, CALL_LENGTH)}`;
  }
  const { role, parts } = body.message;
  const text = parts.map(partText).filter(Boolean).join('\n');
  return text === '' ? '' : `[${role}] ${shortText(text, MESSAGE_LENGTH)}`;
}

/** The two ends of a text that is too long. */
export function shortText(text: string, length: number): string {
  if (text.length <= length) return text;
  const half = Math.floor(length / 2);
  const end = text.slice(text.length - half).replace(/^[\uDC00-\uDFFF]/u, '');
  return `${cutText(text, half)}\n...${text.length - 2 * half} characters left out...\n${end}`;
}

function partText(part: Part): string {
  switch (part.type) {
    case 'text':
      return part.overflow === undefined
        ? part.text
        : `${part.text}... (long: attachment ${part.overflow.id})`;
    case 'reasoning':
      return '';
    case 'tool-call': {
      const { tool, args, overflow } = part;
      const told =
        overflow === undefined
          ? shortText(JSON.stringify(args), CALL_LENGTH)
          : `long: attachment ${overflow.id}`;
      return `(calls ${tool}: ${told})`;
    }
    default: {
      const { name = part.type, id } = part.attachment;
      return `(${part.type} "${name}", attachment ${id})`;
    }
  }
}
