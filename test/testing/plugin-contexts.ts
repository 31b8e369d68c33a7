import {
  type PluginConformanceContext,
  type PluginHostContext,
  type PluginRuntimeContext,
  scriptedText,
  scriptedToolCalls,
} from 'lash-web/testing';

import type { AttachmentStore } from '../../src/contract/attachments.ts';
import type { Plugin } from '../../src/contract/plugin.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { ModelRequest } from '../../src/core/model-request.ts';
import { subagents } from '../../src/plugins/subagents.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { planPlugin } from '../worker/plan-plugin.ts';
import { soundWords } from './plugin-mutants.ts';

const SECRET = 'a-key-of-the-user';

/** The sessions of one case, and how a tab comes to them. */
export type Storage = () => { readonly sessions: SessionStoreFactory; readonly attachments: AttachmentStore };

/** Sessions in memory. */
export function inMemory(): Storage {
  const attachments = new InMemoryAttachmentStore();
  const sessions = new InMemorySessionStoreFactory({ attachments });
  return () => ({ sessions, attachments });
}

/** This package's own runtime, as the suites are given it. */
export function hostContext(
  storage: Storage,
  kept: (runtime: LashRuntime) => void = () => undefined,
): PluginHostContext {
  const secrets = new SecretVault();
  secrets.set('key', SECRET);
  const keep = (runtime: LashRuntime): LashRuntime => {
    kept(runtime);
    return runtime;
  };
  return {
    secret: SECRET,
    environment: async () => {
      const { sessions, attachments } = storage();
      return RuntimeEnvironment.builder()
        .withSessionStoreFactory(sessions)
        .withAttachmentStore(attachments)
        .build();
    },
    open: async (environment, options) => keep(await LashRuntime.open(environment, { ...options, secrets })),
    resume: async (parked, environment, options) =>
      keep(await LashRuntime.resume(parked, environment, { ...options, secrets })),
  };
}

/** What a plugin's author brings. */
export type PluginSubject = Omit<PluginConformanceContext, keyof PluginRuntimeContext>;

const step = (text: string, done: boolean): { readonly text: string; readonly done: boolean } => ({
  text,
  done,
});

/** The plugin of the guide. */
function plan(): PluginSubject {
  const written = (done: boolean) =>
    scriptedToolCalls([{ tool: 'plan', args: { steps: [step('Look', done), step('Leap', false)] } }]);
  return {
    plugin: () => planPlugin(),
    exercise: { input: 'Plan it', calls: [written(false), written(true), scriptedText('It is planned.')] },
  };
}

const taskIn = ({ messages }: ModelRequest): string =>
  JSON.stringify(messages.find(({ role }) => role === 'user'));

/** Agents at work: two at a time, in sessions of their own. */
function agents(): PluginSubject {
  const plugin = (): Plugin => subagents({ agents: { helper: { description: 'It helps.' } } });
  const spawning = scriptedToolCalls(
    ['Count to two', 'Count to three'].map((task) => ({
      tool: 'spawn_agent',
      args: { agent: 'helper', task },
    })),
  );
  return {
    plugin,
    exercise: {
      input: 'Have it counted',
      calls: [
        (request) => (taskIn(request).includes('Count') ? scriptedText('one, two') : spawning),
        scriptedText('It is counted.'),
      ],
    },
  };
}

/** The plugins that must keep the suite, by name. */
export const PLUGINS: readonly (readonly [string, () => PluginSubject])[] = [
  ['the plan of the guide', plan],
  ['subagents', agents],
  ['words', () => soundWords()],
];
