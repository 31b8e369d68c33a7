import type { ChromeAvailability, ChromeLanguageModel } from 'lash-web/providers/chrome';

type CreateOptions = Parameters<ChromeLanguageModel['create']>[0];
type Session = Awaited<ReturnType<ChromeLanguageModel['create']>>;
type Prompt = Parameters<Session['promptStreaming']>;

/** What a conversation does when it is asked: it writes these pieces and then ends, fails, or stays open. */
export interface FakeAnswer {
  readonly pieces?: readonly string[];
  readonly error?: unknown;
  readonly isOpen?: boolean;
}

/** How the stand-in behaves. */
export interface FakeSettings {
  readonly availability?: ChromeAvailability | ((options: object) => ChromeAvailability);
  readonly createError?: unknown;
  readonly answer?: FakeAnswer | ((...prompt: Prompt) => FakeAnswer);
  /** Whether it counts tokens: one per character. */
  readonly counts?: boolean;
  /** Whether it obeys an abort. */
  readonly obeys?: boolean;
}

/** Stands in for the browser's `LanguageModel`, and keeps what was asked of it. */
export interface FakeLanguageModel extends ChromeLanguageModel {
  readonly created: CreateOptions[];
  readonly prompts: Prompt[];
  /** Conversations that were not put away. */
  open: number;
}

export const domError = (name: string, message = 'why', more: object = {}): Error =>
  Object.assign(new Error(message), { name, ...more });

export function fakeLanguageModel(settings: FakeSettings = {}): FakeLanguageModel {
  const {
    availability = 'available',
    createError,
    answer = { pieces: ['Hello, ', 'dear world.'] },
  } = settings;
  const { counts = true, obeys = true } = settings;
  const fake: FakeLanguageModel = {
    created: [],
    prompts: [],
    open: 0,
    availability: async (options) =>
      await Promise.resolve(typeof availability === 'string' ? availability : availability(options)),
    create: async (options) => {
      await Promise.resolve();
      fake.created.push(options);
      if (createError !== undefined) throw createError as Error;
      fake.open++;
      let tokens = lengthOf(options.initialPrompts ?? []);
      return {
        ...(counts ? { measureContextUsage: async (input) => await Promise.resolve(lengthOf(input)) } : {}),
        get contextUsage() {
          return counts ? tokens : undefined;
        },
        destroy: () => void fake.open--,
        promptStreaming: (input, prompt) => {
          fake.prompts.push([input, prompt]);
          tokens += lengthOf(input);
          const {
            pieces = [],
            error,
            isOpen = false,
          } = typeof answer === 'function' ? answer(input, prompt) : answer;
          return new ReadableStream({
            start: (controller) => {
              if (obeys)
                prompt.signal?.addEventListener('abort', () => controller.error(domError('AbortError')));
              for (const piece of pieces) {
                tokens += piece.length;
                controller.enqueue(piece);
              }
              if (isOpen) return;
              // What was written is read first.
              setTimeout(() => (error === undefined ? controller.close() : controller.error(error)), 0);
            },
          });
        },
      } as Session;
    },
  };
  return fake;
}

function lengthOf(messages: Prompt[0]): number {
  return messages.flatMap(({ content }) => content).reduce((sum, part) => sum + part.value.length, 0);
}
