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
  /** The arguments of the calls that the conversation asks for. */
  readonly wanted: (conversation: Conversation) => readonly JsonObject[];
  /** A result in prose. */
  readonly tell: (args: JsonObject, result: JsonValue) => string;
}

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
    tell: ({ agent }, result) => `The ${show(agent)} says: ${show(result)}`,
  },
  {
    tool: 'calculator',
    ability: 'calculate',
    wanted: ({ question }) => expressionsIn(question).map((expression) => ({ expression })),
    tell: (args, result) => `${code(args['expression'])} is **${show(field(result, 'result'))}**.`,
  },
  {
    tool: 'remember',
    ability: 'note something down',
    wanted: ({ question }) => factsIn(question),
    tell: ({ key, value }) =>
      key === 'note'
        ? `I noted: **${show(value)}**.`
        : `I noted that **${show(key)}** is **${show(value)}**.`,
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
        ? `Nothing was noted down about **${show(key)}**.`
        : `I deleted the note about **${show(key)}**.`,
  },
  {
    tool: 'plan',
    ability: 'keep a plan',
    wanted: ({ question }) => plansIn(question),
    tell: (_, result) => {
      const steps = Number(field(result, 'steps'));
      return `The plan has **${steps}** ${steps === 1 ? 'step' : 'steps'}.`;
    },
  },
  {
    tool: 'tick',
    ability: 'tick off its steps',
    wanted: ({ question }) => tickedIn(question),
    tell: ({ step }, result) =>
      field(result, 'found') === false
        ? `There is no step **${show(step)}** in the plan.`
        : `I ticked off **${show(step)}**; ${show(field(result, 'left'))} left.`,
  },
  {
    tool: 'timer',
    ability: 'set a timer',
    wanted: ({ question }) => secondsIn(question).map((seconds) => ({ seconds })),
    tell: ({ seconds }) =>
      `The **${timeInWords(Number(seconds))}** ${seconds === 1 || seconds === 60 ? 'is' : 'are'} over.`,
  },
  {
    tool: 'countdown',
    ability: 'count down in the background',
    wanted: ({ question }) => countdownsIn(question).map((seconds) => ({ seconds })),
    tell: ({ seconds }) =>
      `I count down **${timeInWords(Number(seconds))}** in the background. Meanwhile you can go on.`,
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
    tell: (_, result) => tellFile(show(field(result, 'name')), show(field(result, 'text'))),
  },
  {
    tool: 'set_theme',
    ability: 'make the page dark or light',
    wanted: ({ question }) => {
      const theme = THEMES.map((words) => words.exec(question)?.groups?.['theme']).find((name) => name);
      return theme === undefined || factsIn(question).length > 0 ? [] : [{ theme: theme.toLowerCase() }];
    },
    tell: ({ theme }) => `The page now uses the **${show(theme)}** theme.`,
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

/** A value as it reads in a sentence. */
export function show(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return 'nothing';
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

function tellKeys(result: JsonValue): string {
  const keys = field(result, 'keys');
  if (!Array.isArray(keys)) return `I noted: **${show(result)}**.`;
  if (keys.length === 0) return 'Nothing is noted down yet.';
  return `These things are noted down: ${keys.map((key: JsonValue) => `**${show(key)}**`).join(', ')}.`;
}

function tellNote(key: string, result: JsonValue): string {
  const value = field(result, 'value');
  const missing = value === null || value === '' || field(result, 'found') === false;
  return missing
    ? `Nothing is noted down about **${key}**.`
    : `I noted that **${key}** is **${show(value)}**.`;
}

function tellTasks(tasks: JsonValue): string {
  if (!Array.isArray(tasks) || tasks.length === 0) return 'Nothing runs in the background.';
  return tasks
    .map((task: JsonValue) => {
      const [title, state] = [field(task, 'title'), field(task, 'state')].map(show);
      return `- **${title}**: ${state?.replaceAll('_', ' ')}`;
    })
    .join('\n');
}

function tellFile(name: string, text: string): string {
  const words = text.match(/\S+/g)?.length ?? 0;
  const lines = text === '' ? 0 : text.replace(/\n$/, '').split('\n').length;
  const head = `**${name}** has ${lines} ${lines === 1 ? 'line' : 'lines'} and ${words} ${words === 1 ? 'word' : 'words'}.`;
  const beginning = text.trim().split('\n').slice(0, 5).join('\n').slice(0, 500);
  return beginning === '' ? head : `${head} It begins:\n\n${quote(beginning)}`;
}

function field(value: JsonValue, name: string): JsonValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return (value as JsonObject)[name] ?? null;
}

function code(value: JsonValue | undefined): string {
  return `\`${show(value)}\``;
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
