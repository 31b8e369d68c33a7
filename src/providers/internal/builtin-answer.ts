import { findNonJson, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { ModelRequest } from '../../core/model-request.ts';
import type { ToolSpec } from '../../core/tool-spec.ts';
import { type Conversation, type KnownResult, readConversation } from './builtin-conversation.ts';
import { confession, greeting, introduction, list, LONG_STORY } from './builtin-prose.ts';
import { SKILLS, tellUnknown } from './builtin-skills.ts';
import { summaryIn } from './builtin-summary.ts';

/** A call that the model makes. `args` is text where it was told to write something that is not JSON. */
export interface ToolWish {
  readonly tool: string;
  readonly args: JsonValue;
}

/** What the model does in one step: it calls tools, or it answers. */
export interface Answer {
  readonly reasoning: string;
  readonly text: string;
  readonly calls: readonly ToolWish[];
}

const TOLD_TO_CALL =
  /\b(?:call|use|run)\s+(?:the\s+)?(?:tool\s+)?[`"']?(?<tool>[\w-]+)[`"']?(?:\s+tool\b)?(?:\s+with\s+(?<args>.+))?/is;

/** The model's answer to `request`; the same request has the same answer. */
export function answerTo(request: ModelRequest): Answer {
  const conversation = readConversation(request.messages);
  const { tools } = request;
  if (conversation.results.length > 0) return say(conversation, tellResults(conversation.results));
  const calls = callsFor(conversation, tools);
  const reasoning = /\bthink\b/i.test(conversation.question) ? think(conversation, calls) : '';
  if (calls.length > 0) return { reasoning, text: '', calls };
  return { ...say(conversation, proseFor(conversation, tools)), reasoning };
}

/** An answer in prose; one that was stopped goes on where it ended. */
function say({ begun, images }: Conversation, prose: string): Answer {
  const seen = images.map(
    ({ mime, byteLength }) =>
      `You attached an image of type \`${mime}\` with ${byteLength} bytes. I am a small built-in model and cannot see what it shows.`,
  );
  const text = [...seen, prose].filter((part) => part !== '').join('\n\n');
  const goesOn = begun !== '' && begun.length < text.length && text.startsWith(begun);
  return { reasoning: '', text: goesOn ? text.slice(begun.length) : text, calls: [] };
}

function callsFor(conversation: Conversation, tools: readonly ToolSpec[]): readonly ToolWish[] {
  const told = TOLD_TO_CALL.exec(conversation.question)?.groups;
  const tool = told?.['tool'] ?? '';
  if (tools.some(({ name }) => name === tool)) return [{ tool, args: parse(told?.['args'] ?? '{}') }];
  const wishes = SKILLS.map((skill) => {
    const offered = tools.find(({ name }) => name === skill.tool);
    const wanted = offered === undefined ? [] : skill.wanted(conversation, offered.inputSchema);
    return wanted.map((args) => ({ tool: skill.tool, args }));
  });
  // What is given to agents is not done as well.
  const given = wishes.find(([first]) => first?.tool === 'spawn_agent');
  return given ?? wishes.flat();
}

function think({ question }: Conversation, calls: readonly ToolWish[]): string {
  const plan =
    calls.length === 0
      ? 'No tool helps with that, so I answer from what I know.'
      : `For that I call ${list(calls.map(({ tool }) => `\`${tool}\``))}.`;
  return `I was asked: “${question}”. ${plan}`;
}

function proseFor(conversation: Conversation, tools: readonly ToolSpec[]): string {
  const { question, attached, images, turns } = conversation;
  const summary = summaryIn(question);
  if (summary !== undefined) return summary;
  const offered = new Set(tools.map(({ name }) => name));
  const abilities = SKILLS.filter(({ tool }) => offered.has(tool)).map(({ ability }) => ability);
  if (/\b(?:long|write|tell)\b.*\bstory\b/i.test(question)) return LONG_STORY;
  if (/\bwho are you|\bwhat are you\b|\bwhat can you do|\byour name|\bwhich model|^help\b/i.test(question)) {
    return introduction(abilities);
  }
  if (attached.length > 0) {
    const names = list(
      attached.map(({ name, mime, byteLength }) => `**${name}** (${mime}, ${byteLength} bytes)`),
    );
    return `You attached ${names}. I have no tool that reads it.`;
  }
  if (/^(?:hello|hi|hey|good (?:morning|evening|day)|greetings)\b/i.test(question)) return greeting(turns);
  if (/\bthank(?:s| you)\b/i.test(question)) return 'You are welcome.';
  if (question === '') return images.length > 0 ? '' : greeting(turns);
  return images.length > 0 ? '' : confession(question, abilities);
}

function tellResults(results: readonly KnownResult[]): string {
  const told = results.map(tellResult);
  if (told.length === 1 || told.some((text) => text.includes('\n'))) return told.join('\n\n');
  return told.map((text) => `- ${text}`).join('\n');
}

function tellResult({ tool, args, status, content }: KnownResult): string {
  if (status === 'failure') return `\`${tool}\` did not work: ${content}`;
  if (status === 'cancelled') return `\`${tool}\` was stopped before it was done.`;
  const result = parse(content);
  const skill = SKILLS.find((candidate) => candidate.tool === tool);
  return skill?.tell(asObject(args), result) ?? tellUnknown(tool, result);
}

/** `text` as JSON, or as it is when it is none. */
function parse(text: string): JsonValue {
  try {
    const value: unknown = JSON.parse(text);
    return findNonJson(value) === undefined ? (value as JsonValue) : text;
  } catch {
    return text;
  }
}

function asObject(value: JsonValue): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
