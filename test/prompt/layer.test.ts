import { describe, expect, test } from 'vitest';

import { PromptContribution } from '../../src/prompt/contribution.ts';
import { PromptLayer } from '../../src/prompt/layer.ts';
import { PromptSlot } from '../../src/prompt/slot.ts';
import { PromptTemplate } from '../../src/prompt/template.ts';

const guidance = (content: string): PromptContribution => PromptContribution.guidance(content);

describe('a prompt layer', () => {
  test('takes contributions in order and leaves the layer it was made from alone', () => {
    const one = PromptLayer.addContribution(PromptLayer.empty, guidance('one'));
    const two = PromptLayer.addContribution(one, guidance('two'));
    expect(PromptLayer.empty).toEqual({ slots: {} });
    expect(one.slots.guidance).toEqual({ reset: false, contributions: [guidance('one')] });
    expect(two.slots.guidance?.contributions).toEqual([guidance('one'), guidance('two')]);
  });

  test('replaces a slot with contributions that then belong to that slot', () => {
    const before = PromptLayer.addContribution(PromptLayer.empty, guidance('old'));
    const layer = PromptLayer.replaceSlot(before, PromptSlot.guidance, [PromptContribution.intro('new')]);
    expect(layer.slots).toEqual({ guidance: { reset: true, contributions: [guidance('new')] } });
  });

  test('appends to what a slot was replaced with', () => {
    const replaced = PromptLayer.replaceSlot(PromptLayer.empty, 'guidance', [guidance('a')]);
    const layer = PromptLayer.addContribution(replaced, guidance('b'));
    expect(layer.slots.guidance).toEqual({ reset: true, contributions: [guidance('a'), guidance('b')] });
  });

  test('clears one slot only', () => {
    const intro = PromptLayer.addContribution(PromptLayer.empty, PromptContribution.intro('hello'));
    const layer = PromptLayer.clearSlot(PromptLayer.addContribution(intro, guidance('a')), 'guidance');
    expect(layer.slots.guidance).toEqual({ reset: true, contributions: [] });
    expect(layer.slots.intro?.contributions).toHaveLength(1);
  });

  test('names a template, or leaves the choice to lower layers', () => {
    const chosen = PromptLayer.withTemplate(PromptLayer.empty, PromptTemplate.default);
    expect(chosen.template).toBe(PromptTemplate.default);
    expect('template' in PromptLayer.withTemplate(chosen, undefined)).toBe(false);
  });
});

describe('a contribution', () => {
  test('has no title when the title is blank, and no gate when no tool is named', () => {
    expect(PromptContribution.environment('x', { title: '  ', tools: [] })).toEqual({
      slot: 'environment',
      content: 'x',
    });
  });

  test('carries title, priority and gate', () => {
    expect(PromptContribution.execution('x', { title: ' T ', priority: 3, tools: ['a'] })).toEqual({
      slot: 'execution',
      title: 'T',
      priority: 3,
      gate: { tools: ['a'] },
      content: 'x',
    });
  });

  test('has the usual title of its slot unless it names one', () => {
    expect(PromptContribution.projectInstructions('x').title).toBe('Project Instructions');
    expect(PromptContribution.runtimeContext('x').title).toBe('Runtime Context');
    expect(PromptContribution.runtimeContext('x', { title: 'Now' }).title).toBe('Now');
  });
});
