import type { Provider } from '../../src/contract/provider.ts';
import type { Tool } from '../../src/contract/tool.ts';
import type { ModelEvent } from '../../src/core/model-event.ts';
import type { TurnWait } from '../../src/core/turn-wait.ts';
import type { JournalEntry } from '../../src/runtime/turn/turn-journal.ts';
import { rowSize } from '../../src/stores/indexeddb/rows/row-size.ts';
import type { BenchDatabase } from './bench-database.ts';
import { POLICY } from './content.ts';
import { settled } from './turn-figures.ts';
import { rowsWritten, type WrittenRow } from './written-rows.ts';

/** What is recorded of one effect, besides nodes, receipts and heads, which are there without a recording. */
export interface Recorded {
  readonly rows: number;
  /** Without what somebody said. */
  readonly bytes: number;
  /** What somebody said: a question, an answer, arguments, results. */
  readonly content: number;
}

/** An effect of a turn that is recorded: from its start to its outcome. */
export type EffectKind = 'commit' | 'model call' | 'tool call' | 'approval';

/** Everything that is said consists of this character, which occurs nowhere else. */
const FILL = '~';
const SAID = FILL.repeat(400);

/**
 * The dearest effect of each kind, in a turn in which the model calls three tools, two of which need an approval, and then
 * answers.
 */
export async function recordedEffects(
  database: BenchDatabase,
): Promise<Readonly<Record<EffectKind, Recorded>>> {
  const runtime = await database.openRuntime(crypto.randomUUID(), {
    mode: 'create',
    policy: POLICY,
    providers: { bench: callsOnce },
    tools: [tool('free', false), tool('asked', true), tool('asked-too', true)],
  });
  const answers: Promise<unknown>[] = [];
  runtime.subscribe((event) => {
    if (event.type !== 'turn-waiting') return;
    const [wait] = event.waits;
    if (wait?.kind === 'approval') answers.push(runtime.answer(wait.requestId, { approve: true }));
  });
  const rows = await rowsWritten(async () => {
    const { status } = await runtime.turn(SAID).result;
    if (status !== 'completed') throw new Error(`the turn is ${status}`);
    await Promise.all(answers);
  });
  await runtime.close();
  const effects = new Map<string, Recorded>();
  for (const step of byTransaction(rows)) {
    for (const row of step) {
      const name = effectOf(row, step);
      if (name === null) continue;
      const before = effects.get(name) ?? { rows: 0, bytes: 0, content: 0 };
      const content = contentOf(row);
      effects.set(name, {
        rows: before.rows + 1,
        bytes: before.bytes + rowSize(row.value) - content,
        content: before.content + content,
      });
    }
  }
  const dearest = (kind: EffectKind): Recorded => {
    const all = [...effects].flatMap(([name, effect]) => (name.startsWith(kind) ? [effect] : []));
    const most = (of: (effect: Recorded) => number): number => Math.max(...all.map(of));
    return {
      rows: most((effect) => effect.rows),
      bytes: most(({ bytes }) => bytes),
      content: most(({ content }) => content),
    };
  };
  return {
    commit: dearest('commit'),
    'model call': dearest('model call'),
    'tool call': dearest('tool call'),
    approval: dearest('approval'),
  };
}

function byTransaction(rows: readonly WrittenRow[]): readonly (readonly WrittenRow[])[] {
  const transactions = new Map<IDBTransaction, WrittenRow[]>();
  for (const row of rows) {
    transactions.set(row.transaction, [...(transactions.get(row.transaction) ?? []), row]);
  }
  return [...transactions.values()];
}

function contentOf({ value }: WrittenRow): number {
  return JSON.stringify(value).split(FILL).length - 1;
}

/** The effect that a row was recorded for, by kind and id; `null` where the row is no recording. */
function effectOf({ store, value }: WrittenRow, step: readonly WrittenRow[]): string | null {
  const row = value as { readonly signalId?: string; readonly text?: string; readonly waits?: string | null };
  const commit = step.find((other) => other.store === 'receipts');
  switch (store) {
    case 'turns':
    case 'journal': {
      if (commit !== undefined) return `commit ${JSON.stringify(commit.value)}`;
      const { input, started } = entryOf(step);
      if (store === 'turns') return `approval ${waitingOf(row.waits) ?? started?.[0]}`;
      if (input === undefined) return `tool call ${started?.[0]}`;
      if (input.type === 'held') return `approval ${input.effect}`;
      return 'effect' in input && input.type === 'model-answered'
        ? 'model call'
        : `tool call ${effectId(input)}`;
    }
    case 'signals':
      return `approval ${row.signalId}`;
    default:
      return null;
  }
}

function entryOf(step: readonly WrittenRow[]): JournalEntry {
  const row = step.find(({ store }) => store === 'journal')?.value as { readonly text: string } | undefined;
  return row === undefined ? {} : (JSON.parse(row.text) as JournalEntry);
}

function effectId(input: NonNullable<JournalEntry['input']>): string {
  return 'effect' in input ? input.effect : input.type;
}

/** The effect that a turn waits for first. */
function waitingOf(text: string | null | undefined): string | undefined {
  if (typeof text !== 'string') return undefined;
  const [wait] = JSON.parse(text) as readonly TurnWait[];
  return wait?.kind === 'approval' ? wait.requestId.split('/').at(-1) : undefined;
}

function tool(name: string, approval: boolean): Tool {
  return {
    name,
    description: 'Says what it says.',
    inputSchema: { type: 'object' },
    approval,
    check: (value) => ({ ok: true, value }),
    execute: () => SAID,
  };
}

const USAGE = { inputTokens: 900, outputTokens: 90, cachedInputTokens: 9, reasoningTokens: 0 };
const FINISH: ModelEvent = { type: 'finish', reason: 'stop', usage: USAGE };

/** A model that calls each tool, and then answers. */
const callsOnce: Provider = {
  model: 'bench',
  maxContextTokens: 1_000_000,
  async *stream({ messages, tools }): AsyncGenerator<ModelEvent> {
    await Promise.resolve();
    if (messages.at(-1)?.parts.some(({ type }) => type === 'tool-result') === true) {
      yield { type: 'text-delta', text: SAID };
      yield FINISH;
      return;
    }
    for (const { name } of tools) {
      yield { type: 'tool-call', callId: name, tool: name, args: JSON.stringify({ said: SAID }) };
    }
    yield { ...FINISH, reason: 'tool-calls' };
  },
};

/** What was recorded while text was shown. */
export interface StreamRecorded {
  readonly seconds: number;
  readonly writes: number;
  /** Of the dearest write. */
  readonly rows: number;
  readonly bytes: number;
}

/** Streams text for so many milliseconds, a piece after the other. */
export async function recordedStream(database: BenchDatabase, ms: number): Promise<StreamRecorded> {
  const streams: Provider = {
    model: 'bench',
    maxContextTokens: 8_000,
    async *stream(): AsyncGenerator<ModelEvent> {
      const end = performance.now() + ms;
      while (performance.now() < end) {
        await settled(5);
        yield { type: 'text-delta', text: FILL.repeat(20) };
      }
      yield FINISH;
    },
  };
  const runtime = await database.openRuntime(crypto.randomUUID(), {
    mode: 'create',
    policy: POLICY,
    providers: { bench: streams },
  });
  const rows = await rowsWritten(() => runtime.turn('go on').result);
  await runtime.close();
  const writes = byTransaction(rows).filter((step) => entryOf(step).shown !== undefined);
  return {
    seconds: ms / 1000,
    writes: writes.length,
    rows: Math.max(...writes.map((step) => step.length)),
    bytes: Math.max(
      ...writes.map((step) => step.reduce((sum, row) => sum + rowSize(row.value) - contentOf(row), 0)),
    ),
  };
}
