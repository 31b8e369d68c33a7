import type {
  HookContext,
  PluginHooks,
  PluginNode,
  TurnEnding,
  ViewContext,
} from '../../src/contract/plugin.ts';
import type { SessionNode } from '../../src/core/node.ts';
import { outcomeText } from '../../src/core/tool-call.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { rollingHistory, type RollingHistoryOptions } from '../../src/plugins/rolling-history.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { type FakeSessions, fakeSessions } from './fake-sessions.ts';
import { GrowingPath, tokensOf } from './random-path.ts';

const ENDING: TurnEnding = { status: 'completed', reason: 'assistant_message', usage: NO_USAGE };

/** A session as `rollingHistory` sees it, without the rest of the runtime. */
export class RollingSession {
  readonly path: GrowingPath = new GrowingPath();
  readonly sessions: FakeSessions;
  readonly budget: number;
  /** How many nodes the last view, or summary, read of the path besides what it was given. */
  lastRead = 0;
  /** That of the hooks. */
  signal: AbortSignal = new AbortController().signal;
  #hooks: PluginHooks<unknown>;
  readonly #options: RollingHistoryOptions;
  #turn = 0;

  constructor(
    budget: number,
    options: RollingHistoryOptions = {},
    sessions: FakeSessions = fakeSessions((_, index) => `summary ${index + 1}`),
  ) {
    this.budget = budget;
    this.sessions = sessions;
    this.#options = options;
    this.#hooks = this.#build();
  }

  /** As another tab would: nothing in memory is left. */
  reopen(): void {
    this.#hooks = this.#build();
  }

  /** What the model is shown now. */
  async view(): Promise<readonly SessionNode[]> {
    const reader = this.path.reader();
    const context: ViewContext<unknown> = { ...this.#context(), path: reader, budgetTokens: this.budget };
    const view = await this.#hooks.viewContext?.(this.path.selected(this.budget), context);
    this.lastRead = reader.read();
    return view ?? [];
  }

  /** Ends the turn, and appends what the plugin adds. @throws what the hook throws, behind which the turn goes on */
  async endTurn(status: TurnEnding['status'] = 'completed'): Promise<readonly PluginNode[]> {
    const reader = this.path.reader();
    const ending = { ...ENDING, status };
    const added = (await this.#hooks.afterTurn?.(ending, { ...this.#context(), path: reader })) ?? [];
    this.lastRead = reader.read();
    this.path.answer('done');
    for (const node of added) this.path.add({ kind: 'plugin', ...node });
    this.#turn++;
    return added;
  }

  /** A whole turn of one answer. */
  async turn(text: string): Promise<readonly PluginNode[]> {
    this.path.user(text);
    await this.view();
    return await this.endTurn();
  }

  #build(): PluginHooks<unknown> {
    const state = { get: () => null, set: () => undefined };
    const info = { sessionId: 's', backgroundTasksAvailable: false, state };
    return rollingHistory(this.#options).build?.(info) ?? {};
  }

  #context(): HookContext<unknown> {
    return {
      tasks: null,
      sessionId: 's',
      turnId: `t${this.#turn}`,
      step: 0,
      signal: this.signal,
      state: { get: () => null, set: () => undefined },
      path: this.path.reader(),
      attachmentStore: new InMemoryAttachmentStore(),
      sessions: this.sessions,
    };
  }
}

export function tokens(view: readonly SessionNode[]): number {
  return view.reduce((sum, node) => sum + tokensOf(node), 0);
}

/** What a view says, node by node. */
export function wordsOf(view: readonly SessionNode[]): readonly string[] {
  return view.map(({ body }) => {
    if (body.kind === 'plugin') return body.pluginType;
    if (body.kind === 'tool') {
      const { outcome } = body.invocation;
      return outcome.status === 'success' ? `= ${outcomeText(outcome).slice(0, 40)}` : outcome.status;
    }
    return body.message.parts
      .map((part) => (part.type === 'text' ? part.text.slice(0, 60).trim() : part.type))
      .join(' ');
  });
}
