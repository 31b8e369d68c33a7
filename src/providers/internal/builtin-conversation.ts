import type { JsonValue } from '../../core/json.ts';
import type { PromptMessage, PromptPart } from '../../core/model-request.ts';

/** A text file that the conversation mentions. */
export interface KnownFile {
  readonly name: string;
  readonly mime: string;
  readonly byteLength: number;
  readonly attachmentId: string;
}

/** A tool call of the running turn, and what came back. */
export interface KnownResult {
  readonly tool: string;
  readonly args: JsonValue;
  readonly status: 'success' | 'failure' | 'cancelled';
  readonly content: string;
}

/** What the built-in model understands of a conversation: its last question, and what was done about it so far. */
export interface Conversation {
  /** What the user said last, without the lines that name files. */
  readonly question: string;
  readonly images: readonly { readonly mime: string; readonly byteLength: number }[];
  readonly attached: readonly KnownFile[];
  /** Files of earlier messages, the latest first. */
  readonly earlierFiles: readonly KnownFile[];
  readonly results: readonly KnownResult[];
  /** The beginning of an answer that was stopped. */
  readonly begun: string;
  /** How many messages the user wrote. */
  readonly turns: number;
}

const FILE_LINE =
  /\[file "(?<name>.*?)" \((?<mime>[^,()]+), (?<bytes>\d+) bytes\), attachment id (?<id>[\w-]+)\]/g;

/** Reads the messages of a request. */
export function readConversation(messages: readonly PromptMessage[]): Conversation {
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  const user = messages[asked]?.parts ?? [];
  const since = messages.slice(asked + 1);
  const text = textOf(user);
  return {
    question: text
      .replaceAll(FILE_LINE, ' ')
      .replaceAll(/[ \t]+/g, ' ')
      .trim(),
    images: user.flatMap((part) =>
      part.type === 'image' ? { mime: part.mime, byteLength: part.data.byteLength } : [],
    ),
    attached: filesIn(text),
    earlierFiles: messages
      .slice(0, Math.max(0, asked))
      .toReversed()
      .flatMap(({ role, parts }) => (role === 'user' ? filesIn(textOf(parts)) : [])),
    results: resultsOf(since.flatMap(({ parts }) => parts)),
    begun: since.at(-1)?.role === 'assistant' ? textOf(since.at(-1)?.parts ?? []) : '',
    turns: messages.filter(({ role }) => role === 'user').length,
  };
}

function textOf(parts: readonly PromptPart[]): string {
  return parts.flatMap((part) => (part.type === 'text' ? part.text : [])).join('\n');
}

function filesIn(text: string): readonly KnownFile[] {
  return Array.from(text.matchAll(FILE_LINE), ({ groups = {} }) => ({
    name: groups['name'] ?? '',
    mime: groups['mime'] ?? '',
    byteLength: Number(groups['bytes']),
    attachmentId: groups['id'] ?? '',
  }));
}

function resultsOf(parts: readonly PromptPart[]): readonly KnownResult[] {
  return parts.flatMap((part) => {
    if (part.type !== 'tool-result') return [];
    const call = parts.find((other) => other.type === 'tool-call' && other.callId === part.callId);
    const args = call?.type === 'tool-call' ? call.args : {};
    return { tool: part.tool, args, status: part.status, content: part.content };
  });
}
