import type { Provider } from '../../src/contract/provider.ts';
import type { ModelEvent } from '../../src/core/model-event.ts';
import { call, finish, text } from './support.ts';

/** A provider that says what it is told to, as it is told; each call goes on until `done`. */
export function dictated(): Provider & {
  readonly say: (value: string) => void;
  readonly callTool: (name: string) => void;
  readonly done: () => void;
} {
  let events: ModelEvent[] = [];
  let wake = (): void => undefined;
  const push = (event: ModelEvent): void => {
    events.push(event);
    wake();
  };
  return {
    model: 'fake-1',
    maxContextTokens: 100_000,
    say: (value) => push(text(value)),
    callTool: (name) => {
      push(call('c', name, '{}'));
      push(finish('tool-calls'));
    },
    done: () => push(finish()),
    async *stream(_, signal) {
      for (;;) {
        const ready = events;
        events = [];
        for (const event of ready) {
          yield event;
          if (event.type === 'finish') return;
        }
        if (events.length > 0) continue;
        await new Promise<void>((resolve, reject) => {
          wake = resolve;
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        });
      }
    },
  };
}

/** A provider that answers at once. */
export function echo(): Provider {
  return {
    model: 'fake-1',
    maxContextTokens: 100_000,
    async *stream() {
      yield text('ok');
      yield finish();
    },
  };
}
