import { systemClock } from '../../src/contract/clock.ts';
import { PluginHost } from '../../src/contract/plugin-host.ts';
import { definePlugin, type Plugin, type PluginHooks } from '../../src/contract/plugin.ts';
import { PluginSession } from '../../src/runtime/plugins/plugin-session.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import type { BenchDatabase } from './bench-database.ts';
import { POLICY, text } from './content.ts';
import { type Compared, compare, type Contestant, inARow } from './measure.ts';
import { settled } from './turn-figures.ts';

/** Turns with plugins that do nothing and without, the first contestant being the one with; and how one session's are built. */
export interface PluginCosts {
  readonly times: readonly Compared[];
  /** Milliseconds to build the plugins of one session, on average. */
  readonly buildMs: number;
  /** How often each plugin was built for each of these sessions. */
  readonly builds: number;
}

const ROUNDS = 40;
const BUILDS = 200;

/** What so many plugins cost that have every hook of a turn and do nothing in it. */
export async function pluginCosts(database: BenchDatabase, count: number): Promise<PluginCosts> {
  const host = new PluginHost(Array.from({ length: count }, (_, index) => idle(`idle-${index}`)));
  const plain = await open(database, 'plain', new PluginHost());
  const plugged = await open(database, 'plugged', host);
  let seed = 0;
  const contestant = (runtime: LashRuntime): Contestant =>
    inARow(
      async () => {
        const { status } = await runtime.turn(text(300, ++seed)).result;
        if (status !== 'completed') throw new Error(`a turn is ${status}`);
      },
      () => settled(50),
    );
  const times = await compare(ROUNDS, [contestant(plugged), contestant(plain)]);
  await Promise.all([plugged.close(), plain.close()]);
  return { times, ...built(count) };
}

async function open(
  database: BenchDatabase,
  sessionId: string,
  pluginHost: PluginHost,
): Promise<LashRuntime> {
  return await database.openRuntime(sessionId, { mode: 'create', policy: POLICY, pluginHost });
}

function built(count: number): Pick<PluginCosts, 'buildMs' | 'builds'> {
  let builds = 0;
  const counting = (id: string): Plugin =>
    definePlugin({
      id,
      version: 1,
      build: () => {
        builds++;
        return { ...hooks };
      },
    });
  const host = new PluginHost(Array.from({ length: count }, (_, index) => counting(`built-${index}`)));
  const parts = {
    sessionId: 's',
    clock: systemClock,
    secrets: new SecretVault(),
    statesBytes: 262_144,
    path: { pages: noPages, tokensOf: () => 0 },
    attachmentStore: new InMemoryAttachmentStore(),
    checkpointAt: async () => await Promise.resolve(null),
    show: () => undefined,
    tasks: () => null,
    trouble: () => undefined,
  };
  // One by one is less than what the clock can tell.
  const begun = performance.now();
  for (let made = 0; made < BUILDS; made++) new PluginSession(host, parts).dispose();
  const buildMs = (performance.now() - begun) / BUILDS;
  return { buildMs, builds: builds / (count * BUILDS) };
}

async function* noPages(): AsyncGenerator<never> {}

const nothing = (): undefined => undefined;

const hooks: PluginHooks<null> = {
  prompt: nothing,
  availableTools: nothing,
  beforeTurn: nothing,
  beforeStep: nothing,
  viewContext: nothing,
  transformText: nothing,
  transformAnswer: nothing,
  afterStep: nothing,
  beforeToolCall: nothing,
  afterToolCall: nothing,
  afterTurn: nothing,
  onEvent: nothing,
  changePolicy: nothing,
};

const idle = (id: string): Plugin => definePlugin({ id, version: 1, hooks });
