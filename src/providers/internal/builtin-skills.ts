import type { JsonObject, JsonValue } from '../../core/json.ts';
import { tasksIn } from './builtin-agents.ts';
import { expressionsIn } from './builtin-arithmetic.ts';
import type { Conversation, KnownFile } from './builtin-conversation.ts';
import { factsIn, forgottenIn, remindersIn } from './builtin-notes.ts';
import { plansIn, tickedIn } from './builtin-plan.ts';
import { countdownsIn, secondsIn, timeInWords } from './builtin-time.ts';

/** A tool that the built-in model knows: when to call it, and how to tell what came back. */
export interface Skill {
  readonly tool: string;
  /** What it lets the model do, for a sentence that begins with "I can". */
  readonly ability: string;
  /** The arguments of the calls that the conversation asks for, as `schema` wants them. */
  readonly wanted: (conversation: Conversation, schema: JsonObject) => readonly JsonObject[];
  /** A result in prose; `undefined` where what it would say is not there: another tool may have the same name. */
  readonly tell: (args: JsonObject, result: JsonValue) => string | undefined;
}

/** What was looked for, if it is there. */
type Found = JsonValue | undefined;

const READABLE = /^text\/|json|xml|javascript|typescript|yaml|toml|csv|markdown|sql/i;
const ABOUT_A_FILE = /\b(?:file|document|attachment|attached|read|summari[sz]e)\b/i;
const THEMES: readonly RegExp[] = [
  /\b(?<theme>dark|light|system)\b[ -](?:mode|theme)/i,
  /\b(?:make|turn|set|switch|change)\b[^.!?\n]{0,40}\b(?:page|it|colou?rs|looks?|theme|mode)\b[^.!?\n]{0,40}\b(?<theme>dark|light|system)(?:er)?\b/i,
];
const ABOUT_TASKS =
  /\b(?:what|which|list|show|tell)\b[^.!?\n]{0,40}\b(?:(?:runs?|running|going on) in the background|background tasks)\b/i;
const ABOUT_THE_PAGE =
  /\bhow (?:big|large|wide|tall) is (?:this|the|my) (?:page|window)|\bpage info|\btitle of (?:this|the) page|\b(?:tell|say|know|what)\b[^.!?\n]{0,40} about (?:this|the|my) page\b/i;

/** All of them, in the order in which they are tried. */
export const SKILLS: readonly Skill[] = [
  {
    tool: 'spawn_agent',
    ability: 'ask helpers to do things',
    wanted: ({ question }) => tasksIn(question),
    tell: ({ agent }, result) => told`The ${agent} says: ${result}`,
  },
  {
    tool: 'calculator',
    ability: 'calculate',
    wanted: ({ question }) => expressionsIn(question).map((expression) => ({ expression })),
    tell: ({ expression }, result) => told`\`${expression}\` is **${wholeOr(result, 'result')}**.`,
  },
  {
    tool: 'remember',
    ability: 'note something down',
    wanted: ({ question }) => factsIn(question),
    tell: ({ key, value }) =>
      key === 'note' ? told`I noted: **${value}**.` : told`I noted that **${key}** is **${value}**.`,
  },
  {
    tool: 'recall',
    ability: 'recall what was noted',
    wanted: ({ question }) => (factsIn(question).length > 0 ? [] : remindersIn(question)),
    tell: ({ key }, result) => (key === undefined ? tellKeys(result) : tellNote(show(key), result)),
  },
  {
    tool: 'forget',
    ability: 'delete a note once you allow it',
    wanted: ({ question }) => forgottenIn(question),
    tell: ({ key }, result) =>
      field(result, 'found') === false
        ? told`Nothing was noted down about **${key}**.`
        : told`I deleted the note about **${key}**.`,
  },
  {
    tool: 'plan',
    ability: 'keep a plan',
    wanted: ({ question }, schema) => plansIn(question, schema),
    tell: (_, result) => {
      const steps = field(result, 'steps');
      return told`The plan has **${steps}** ${steps === 1 ? 'step' : 'steps'}.`;
    },
  },
  {
    tool: 'tick',
    ability: 'tick off its steps',
    wanted: ({ question }) => tickedIn(question),
    tell: ({ step }, result) =>
      field(result, 'found') === false
        ? told`There is no step **${step}** in the plan.`
        : told`I ticked off **${step}**; ${field(result, 'left')} left.`,
  },
  {
    tool: 'timer',
    ability: 'set a timer',
    wanted: ({ question }) => secondsIn(question).map((seconds) => ({ seconds })),
    tell: ({ seconds }) =>
      told`The **${timeIn(seconds)}** ${seconds === 1 || seconds === 60 ? 'is' : 'are'} over.`,
  },
  {
    tool: 'countdown',
    ability: 'count down in the background',
    wanted: ({ question }) => countdownsIn(question).map((seconds) => ({ seconds })),
    tell: ({ seconds }) =>
      told`I count down **${timeIn(seconds)}** in the background. Meanwhile you can go on.`,
  },
  {
    tool: 'tasks_list',
    ability: 'list what runs in the background',
    wanted: ({ question }) => (ABOUT_TASKS.test(question) ? [{}] : []),
    tell: (_, result) => tellTasks(field(result, 'tasks')),
  },
  {
    tool: 'read_file',
    ability: 'read attached text files',
    wanted: (conversation) => filesWanted(conversation).map(({ attachmentId }) => ({ attachmentId })),
    tell: (_, result) => tellFile(field(result, 'name'), field(result, 'text')),
  },
  {
    tool: 'set_theme',
    ability: 'make the page dark or light',
    wanted: ({ question }) => {
      const theme = THEMES.map((words) => words.exec(question)?.groups?.['theme']).find((name) => name);
      return theme === undefined || factsIn(question).length > 0 ? [] : [{ theme: theme.toLowerCase() }];
    },
    tell: ({ theme }) => told`The page now uses the **${theme}** theme.`,
  },
  {
    tool: 'page_info',
    ability: 'tell about the page',
    wanted: ({ question }) => (ABOUT_THE_PAGE.test(question) ? [{}] : []),
    tell: (_, result) => `This is what the page says of itself:\n\n${fence(result)}`,
  },
];

/** A result of a tool that the model does not know. */
export function tellUnknown(tool: string, result: JsonValue): string {
  return `The tool \`${tool}\` answered:\n\n${fence(result)}`;
}

/** A sentence, unless something that it says is not there. */
function told(words: TemplateStringsArray, ...said: readonly Found[]): string | undefined {
  const there = said.filter((value) => value !== undefined && value !== null);
  return there.length === said.length ? String.raw({ raw: words }, ...there.map(show)) : undefined;
}

/** A value as it reads in a sentence. */
function show(value: JsonValue): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function filesWanted({ question, attached, earlierFiles }: Conversation): readonly KnownFile[] {
  const readable = (file: KnownFile): boolean => READABLE.test(file.mime);
  if (attached.length > 0) return attached.filter(readable);
  const named = earlierFiles.filter(
    ({ name }) => name !== '' && question.toLowerCase().includes(name.toLowerCase()),
  );
  if (named.length > 0) return named.slice(0, 1).filter(readable);
  return ABOUT_A_FILE.test(question) ? earlierFiles.filter(readable).slice(0, 1) : [];
}

function tellKeys(result: JsonValue): string | undefined {
  const keys = wholeOr(result, 'keys');
  if (!Array.isArray(keys)) return told`I noted: **${result}**.`;
  if (keys.length === 0) return 'Nothing is noted down yet.';
  return `These things are noted down: ${keys.map((key: JsonValue) => `**${show(key)}**`).join(', ')}.`;
}

function tellNote(key: string, result: JsonValue): string {
  const value = wholeOr(result, 'value') ?? '';
  const missing = value === '' || field(result, 'found') === false;
  return missing
    ? `Nothing is noted down about **${key}**.`
    : `I noted that **${key}** is **${show(value)}**.`;
}

function tellTasks(tasks: Found): string | undefined {
  if (!Array.isArray(tasks)) return undefined;
  if (tasks.length === 0) return 'Nothing runs in the background.';
  const lines = tasks.map((task: JsonValue) => {
    const state = field(task, 'state');
    const words = typeof state === 'string' ? state.replaceAll('_', ' ') : undefined;
    return told`- **${field(task, 'title')}**: ${words}`;
  });
  return lines.every((line) => line !== undefined) ? lines.join('\n') : undefined;
}

function tellFile(name: Found, text: Found): string | undefined {
  if (typeof name !== 'string' || typeof text !== 'string') return undefined;
  const words = text.match(/\S+/g)?.length ?? 0;
  const lines = text === '' ? 0 : text.replace(/\n$/, '').split('\n').length;
  const head = `**${name}** has ${lines} ${lines === 1 ? 'line' : 'lines'} and ${words} ${words === 1 ? 'word' : 'words'}.`;
  const beginning = text.trim().split('\n').slice(0, 5).join('\n').slice(0, 500);
  return beginning === '' ? head : `${head} It begins:\n\n${quote(beginning)}`;
}

function timeIn(seconds: Found): string | undefined {
  return typeof seconds === 'number' ? timeInWords(seconds) : undefined;
}

function field(value: JsonValue, name: string): Found {
  const isFields = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isFields ? (value as JsonObject)[name] : undefined;
}

/** A field of an object; a result that is none is the answer as a whole. */
function wholeOr(value: JsonValue, name: string): Found {
  return typeof value === 'object' && !Array.isArray(value) ? field(value, name) : value;
}

function fence(value: JsonValue): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return `\`\`\`\n${text.replaceAll('```', "'''")}\n\`\`\``;
}

function quote(text: string): string {
  return text
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n');
}
