import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { systemClock } from '../../src/contract/clock.ts';
import type { Tool } from '../../src/contract/tool.ts';
import { jsonBeginning, jsonEnd } from '../../src/core/json-edge.ts';
import { utf8Length } from '../../src/core/json.ts';
import { outcomeText, type ToolOutcome } from '../../src/core/tool-call.ts';
import { cutOutput } from '../../src/plugins/internal/cut-output.ts';
import { toolOutputBudget, type ToolOutputBudgetOptions } from '../../src/plugins/tool-output-budget.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { asks, attachments, done, memory, openTab, plain } from '../runtime/plugin-support.ts';
import { plays, toolNamed } from '../runtime/support.ts';

const lines = (count: number, width = 10): string =>
  Array.from({ length: count }, (_, index) => `${index}`.padEnd(width, '.')).join('\n');

const outcomes = (runtime: LashRuntime): readonly ToolOutcome[] =>
  runtime.view().window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));

/** What a model reads of what the tool `t` returns, and what is kept of it. */
async function readOf(
  value: Awaited<ReturnType<Tool['execute']>>,
  options: ToolOutputBudgetOptions = {},
): Promise<{ readonly content: string; readonly runtime: LashRuntime; readonly whole: string }> {
  const provider = plays(asks('t'), done);
  const tools = [toolNamed('t', { execute: () => value })];
  const runtime = await openTab(memory(), provider, [toolOutputBudget(options)], {
    tools,
    clock: systemClock,
  });
  expect((await runtime.turn('go').result).status).toBe('completed');
  const [part] = provider.requests[1]?.messages.at(-1)?.parts ?? [];
  const [outcome] = outcomes(runtime);
  const ref = outcome?.status === 'success' ? outcome.overflow : undefined;
  const whole = ref === undefined ? '' : await (await attachments.get(ref.id)).text();
  return { content: part?.type === 'tool-result' ? part.content : '', runtime, whole };
}

describe('toolOutputBudget', () => {
  it('leaves what fits as it is', async () => {
    const { content, runtime } = await readOf(lines(400));
    expect(content).toBe(lines(400));
    expect(outcomes(runtime)).toEqual([{ status: 'success', value: lines(400) }]);
  });

  it('[TU2][ST13] shows the model whole lines of a longer result, and keeps the whole as an attachment', async () => {
    const { content, runtime, whole } = await readOf(lines(500));
    const [outcome] = outcomes(runtime);
    expect(outcome).toMatchObject({ status: 'success', value: null });
    expect(whole).toBe(JSON.stringify(lines(500)));
    const [shown, marker] = content.split('\n...');
    expect(shown).toBe(lines(400));
    expect(marker).toMatch(/^100 lines truncated\.\.\.\n\[file .*attachment id [0-9a-f]{64}\]$/);
  });

  it('shows the tail where that says more', async () => {
    const { content } = await readOf(lines(500), { keep: { t: 'tail' } });
    expect(content.split('\n').slice(0, 2)).toEqual(['...100 lines truncated...', '100.......']);
    expect(content).toContain('\n499.......\n[file ');
  });

  it.each(['head', 'tail'] as const)(
    'reads no more than the %s of a result that no node holds',
    async (keep) => {
      const { content } = await readOf(`<${'é'.repeat(200_000)}>`, { keep: { t: keep }, maxBytes: 1000 });
      expect(content).toContain(keep === 'head' ? '<éé' : 'éé>');
      expect(content).toMatch(/\.\.\.39\d{4} bytes truncated\.\.\./);
      expect(utf8Length(content)).toBeLessThan(1300);
    },
  );

  it('[flaw 6.11] shows a part of a line that is longer than all that may be shown', async () => {
    const { content } = await readOf({ rows: 'x'.repeat(40_000) });
    expect(content.startsWith(`{"rows":"${'x'.repeat(16_000)}`)).toBe(true);
    const below = await readOf(`title\n${'x'.repeat(40_000)}`);
    expect(below.content.startsWith(`title\n${'x'.repeat(16_000)}`)).toBe(true);
  });

  it('[TL9] names the attachment to the tools that the model calls next', async () => {
    const seen: string[] = [];
    const reads = toolNamed('read', {
      execute: (_, { attachments }) => seen.push(...attachments.map(({ id }) => id)),
    });
    const provider = plays(asks('t'), asks('read'), done);
    const tools = [toolNamed('t', { execute: () => lines(500) }), reads];
    const runtime = await openTab(memory(), provider, [toolOutputBudget()], { tools, clock: systemClock });
    await runtime.turn('go').result;
    const [outcome] = outcomes(runtime);
    expect(outcome).toMatchObject({ overflow: { id: seen[0] } });
  });

  it('[TU2] cuts results for the model that are older than it, and changes none', async () => {
    const factory = memory();
    const tools = [toolNamed('t', { execute: () => lines(500) })];
    const before = await openTab(factory, plays(asks('t'), done), [], { tools, clock: systemClock });
    await before.turn('go').result;
    const kept = outcomes(before);
    await before.close();
    const provider = plays(done);
    const after = await openTab(factory, provider, [toolOutputBudget()], { tools, clock: systemClock });
    await after.turn('on').result;
    expect(JSON.stringify(provider.requests[0]?.messages)).toContain('...100 lines truncated...');
    expect(outcomes(after)).toEqual(kept);
    expect(kept.map(outcomeText)).toEqual([lines(500)]);
  });

  it('[SE1] stores no secret that a plugin before it puts into a result', async () => {
    const secrets = new SecretVault();
    secrets.add('hush-hush');
    const tells = plain({ afterToolCall: () => ({ status: 'success', value: `hush-hush${lines(500)}` }) });
    const early = { ...tells, priority: -200 };
    const tools = [toolNamed('t')];
    const plugins = [early, toolOutputBudget()];
    const runtime = await openTab(memory(), plays(asks('t'), done), plugins, { tools, secrets });
    await runtime.turn('go').result;
    const [outcome] = outcomes(runtime);
    if (outcome?.status !== 'success' || outcome.overflow === undefined) throw new Error('it is not stored');
    const whole = await (await attachments.get(outcome.overflow.id)).text();
    expect(whole.slice(0, 20)).toBe('"[redacted]0........');
  });

  it('keeps the result of a call as others are kept where its attachment cannot be stored', async () => {
    const call = { type: 'tool-call', callId: 'c', tool: 't', args: {} } as const;
    const outcome = { status: 'success', value: lines(500) } as const;
    const store = { put: () => Promise.reject(new Error('not now')) };
    const hooks = toolOutputBudget().build?.({} as never) ?? {};
    expect(hooks).toHaveProperty('afterToolCall');
    expect(await hooks.afterToolCall?.(call, outcome, { attachmentStore: store } as never)).toBe(undefined);
  });

  it('leaves failures to say what they say', async () => {
    const provider = plays(asks('t'), done);
    const fails = toolNamed('t', { execute: () => Promise.reject(new Error(lines(20))) });
    const plugin = toolOutputBudget({ maxLines: 2 });
    const runtime = await openTab(memory(), provider, [plugin], { tools: [fails], clock: systemClock });
    await runtime.turn('go').result;
    expect(JSON.stringify(provider.requests[1]?.messages)).not.toContain('truncated');
  });

  it.each([{ maxBytes: 0 }, { maxLines: 1.5 }, { maxBytes: Number.NaN }])('refuses %o', (options) => {
    expect(() => toolOutputBudget(options)).toThrow(expect.objectContaining({ code: 'InvalidInput' }));
  });
});

const budgets = fc.record({
  maxBytes: fc.integer({ min: 8, max: 60 }),
  maxLines: fc.integer({ min: 1, max: 6 }),
  keep: fc.constantFrom('head' as const, 'tail' as const),
});
const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '😀', '\n', ' '), maxLength: 120 });

test('what is cut is within its budget, and an end of the whole; what fits is not cut', () => {
  fc.assert(
    fc.property(texts, budgets, (text, budget) => {
      const cut = cutOutput(text, budget);
      const fits = utf8Length(text) <= budget.maxBytes && text.split('\n').length <= budget.maxLines;
      expect(cut === undefined).toBe(fits);
      fc.pre(cut !== undefined);
      const rows = cut.split('\n');
      const shown = budget.keep === 'head' ? rows.slice(0, -1) : rows.slice(1);
      const marker = budget.keep === 'head' ? rows.at(-1) : rows[0];
      expect(marker).toMatch(/^\.\.\.[1-9]\d* (?:bytes|lines) truncated\.\.\.$/);
      const part = shown.join('\n');
      expect(budget.keep === 'head' ? text.startsWith(part) : text.endsWith(part)).toBe(true);
      expect(utf8Length(part)).toBeLessThanOrEqual(budget.maxBytes);
      expect(shown.length).toBeLessThanOrEqual(budget.maxLines);
      expect(part !== '' || text.includes('\n')).toBe(true);
    }),
    { seed: 20_261_127, numRuns: 2000 },
  );
});

test('an edge of JSON text is read as what it says', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), fc.nat(), (text, at) => {
      const json = JSON.stringify(text);
      const cut = 1 + (at % json.length);
      expect(text.startsWith(jsonBeginning(json.slice(0, cut)))).toBe(true);
      expect(jsonBeginning(json)).toBe(text);
      expect(jsonEnd(json.slice(1), true)).toBe(text);
      // At most one escape is read as something else.
      const end = jsonEnd(json.slice(cut), true);
      expect(text.endsWith(end.slice(6))).toBe(true);
    }),
    { seed: 20_261_127, numRuns: 2000 },
  );
});
