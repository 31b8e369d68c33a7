import { expect, test } from 'vitest';

import type { AttachmentStore } from '../../src/contract/attachments.ts';
import { PluginHost } from '../../src/contract/plugin-host.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { BackgroundTaskHost } from '../../src/contract/task.ts';
import { isLashError } from '../../src/core/error.ts';
import { JsonlTraceSink } from '../../src/sinks/jsonl-trace-sink.ts';
import { MemoryTraceSink } from '../../src/sinks/memory-trace-sink.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';

const taskHost = {} as BackgroundTaskHost;
const sessionsIn = (database: string | null): SessionStoreFactory =>
  ({ persistent: database !== null, database }) as SessionStoreFactory;
const attachmentsIn = (database: string | null): AttachmentStore =>
  ({ persistent: database !== null, database }) as AttachmentStore;

function refusal(build: () => unknown): unknown {
  try {
    build();
  } catch (error) {
    if (isLashError(error, 'InvalidEnvironment')) return error.data.field;
    throw error;
  }
  throw new Error('it was built');
}

test('two plugin hosts are refused: the plugins of one would be lost in silence', () => {
  const builder = RuntimeEnvironment.builder().withPluginHost(new PluginHost());
  builder.build();
  expect(refusal(() => builder.withPluginHost(new PluginHost()).build())).toBe('pluginHost');
});

test('every field has a default', () => {
  const environment = RuntimeEnvironment.default();
  expect(environment).toMatchObject({
    residency: 'KeepAll',
    backgroundTaskHost: null,
    prompt: { slots: {} },
    traceSink: null,
    traceLevel: 'standard',
    traceContext: {},
    termination: { treatMissingDoneAsFailure: true },
    limits: {
      residentBytes: 8 * 1024 * 1024,
      maxSteps: 16,
      retries: { maxAttempts: 4, baseDelayMs: 1000, maxDelayMs: 10_000, retryAfterCapMs: 60_000 },
    },
  });
  expect(environment.sessionStoreFactory).toBeInstanceOf(InMemorySessionStoreFactory);
  expect(environment.attachmentStore).toBeInstanceOf(InMemoryAttachmentStore);
  expect(environment.pluginHost.plugins).toEqual([]);
  expect(environment.pluginHost.backgroundTasksAvailable).toBe(false);
});

test('two environments with defaults share no store', () => {
  const one = RuntimeEnvironment.default();
  const other = RuntimeEnvironment.default();
  expect(one.sessionStoreFactory).not.toBe(other.sessionStoreFactory);
  expect(one.attachmentStore).not.toBe(other.attachmentStore);
});

test('without a host for background tasks the same plugin host is kept', () => {
  const host = new PluginHost();
  expect(RuntimeEnvironment.builder().withPluginHost(host).build().pluginHost).toBe(host);
});

test('the plugin host has background tasks in whatever order the two are given', () => {
  const hosts = [
    RuntimeEnvironment.builder().withPluginHost(new PluginHost()).withBackgroundTaskHost(taskHost),
    RuntimeEnvironment.builder().withBackgroundTaskHost(taskHost).withPluginHost(new PluginHost()),
    RuntimeEnvironment.builder().withBackgroundTaskHost(taskHost),
  ].map((builder) => builder.build().pluginHost.backgroundTasksAvailable);
  expect(hosts).toEqual([true, true, true]);
});

test('a plugin host with background tasks has the plugins and the register of the one it came from', () => {
  const host = new PluginHost([{ id: 'notes', version: 1 }]);
  const { pluginHost } = RuntimeEnvironment.builder()
    .withPluginHost(host)
    .withBackgroundTaskHost(taskHost)
    .build();
  expect(pluginHost).not.toBe(host);
  expect(pluginHost.plugins).toEqual(host.plugins);
  pluginHost.register('s');
  expect(() => host.register('s')).toThrow(expect.objectContaining({ code: 'SessionInUse' }));
});

test('of the two ways to set a trace the last one wins', () => {
  const sink = new MemoryTraceSink();
  const builder = RuntimeEnvironment.builder();
  expect(builder.withTraceSink(sink).build().traceSink).toBe(sink);
  expect(builder.withTraceJsonl('run').build().traceSink).toBeInstanceOf(JsonlTraceSink);
  expect(builder.withTraceSink(sink).build().traceSink).toBe(sink);
  expect(builder.withTraceJsonl(null).build().traceSink).toBeNull();
  expect(builder.withTraceSink(sink).withTraceSink(null).build().traceSink).toBeNull();
});

test('a named trace is called what it was named', () => {
  expect(RuntimeEnvironment.builder().withTraceJsonl('run').build().traceSink).toMatchObject({ name: 'run' });
  expect(refusal(() => RuntimeEnvironment.builder().withTraceJsonl('').build())).toBe('traceSink');
});

test('prompt setters compose', () => {
  const template = { sections: [{ entries: [{ kind: 'slot', slot: 'guidance' }] }] } as const;
  const { prompt } = RuntimeEnvironment.builder()
    .withPromptContribution({ slot: 'guidance', content: 'one' })
    .withPromptContribution({ slot: 'guidance', content: 'two' })
    .withReplacedPromptSlot('environment', [{ slot: 'intro', content: 'three' }])
    .withClearedPromptSlot('intro')
    .withPromptTemplate(template)
    .build();
  expect(prompt).toEqual({
    template,
    slots: {
      guidance: {
        reset: false,
        contributions: [
          { slot: 'guidance', content: 'one' },
          { slot: 'guidance', content: 'two' },
        ],
      },
      environment: { reset: true, contributions: [{ slot: 'environment', content: 'three' }] },
      intro: { reset: true, contributions: [] },
    },
  });
});

test('a prompt layer takes the place of everything said about the prompt before', () => {
  const layer = { slots: { intro: { reset: true, contributions: [] } } };
  const { prompt } = RuntimeEnvironment.builder()
    .withPromptContribution({ slot: 'guidance', content: 'one' })
    .withPromptLayer(layer)
    .build();
  expect(prompt).toEqual(layer);
});

test('a built environment cannot be changed, not even through what it was built from', () => {
  const context = { run_id: 'r', metadata: { tags: ['a'] } };
  const environment = RuntimeEnvironment.builder()
    .withTraceContext(context)
    .withLimits({ maxSteps: 3, retries: { maxAttempts: 2 } })
    .build();
  context.metadata.tags.push('b');
  expect(environment.traceContext).toEqual({ run_id: 'r', metadata: { tags: ['a'] } });
  expect(environment.limits.maxSteps).toBe(3);
  expect(environment.limits.retries).toMatchObject({ maxAttempts: 2, baseDelayMs: 1000 });
  for (const part of [environment, environment.limits, environment.limits.retries, environment.termination]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
  expect(Object.isFrozen(environment.traceContext.metadata?.['tags'])).toBe(true);
});

test('a builder can be used on, and does not change what it has built', () => {
  const builder = RuntimeEnvironment.builder().withTraceLevel('extended');
  const first = builder.build();
  const second = builder.withTraceLevel('standard').withResidency('ActivePathOnly').build();
  expect([first.traceLevel, first.residency]).toEqual(['extended', 'KeepAll']);
  expect([second.traceLevel, second.residency]).toEqual(['standard', 'ActivePathOnly']);
});

test('[ST11] a persistent session store needs an attachment store of the same database', () => {
  const build = (sessions: string | null, attachments: string | null | undefined): unknown => {
    const builder = RuntimeEnvironment.builder().withSessionStoreFactory(sessionsIn(sessions));
    if (attachments !== undefined) builder.withAttachmentStore(attachmentsIn(attachments));
    return builder.build();
  };
  expect(refusal(() => build('app', undefined))).toBe('attachmentStore');
  expect(refusal(() => build('app', null))).toBe('attachmentStore');
  expect(refusal(() => build('app', 'other'))).toBe('attachmentStore');
  expect(() => build('app', 'app')).not.toThrow();
  expect(() => build(null, null)).not.toThrow();
});

test.each([
  ['limits.maxSteps', { maxSteps: 0 }],
  ['limits.residentBytes', { residentBytes: 1.5 }],
  ['limits.retries.maxAttempts', { retries: { maxAttempts: Number.NaN } }],
  ['limits.retries.baseDelayMs', { retries: { baseDelayMs: -1 } }],
])('%s must be a whole number that makes sense', (field, limits) => {
  expect(refusal(() => RuntimeEnvironment.builder().withLimits(limits).build())).toBe(field);
});

test('a residency or trace level that does not exist is refused', () => {
  expect(
    refusal(() =>
      RuntimeEnvironment.builder()
        .withResidency('Some' as 'KeepAll')
        .build(),
    ),
  ).toBe('residency');
  expect(
    refusal(() =>
      RuntimeEnvironment.builder()
        .withTraceLevel('all' as 'standard')
        .build(),
    ),
  ).toBe('traceLevel');
});

test('a prompt that is not data is refused', () => {
  const layer = { slots: {}, template: (() => undefined) as never };
  expect(() => RuntimeEnvironment.builder().withPromptLayer(layer).build()).toThrow(
    expect.objectContaining({ code: 'NotData', data: { path: 'prompt.template' } }),
  );
});
