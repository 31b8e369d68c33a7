import { describe, expect, test } from 'vitest';

import type { PromptLayerData } from '../../src/core/prompt-layer.ts';
import { PromptContribution } from '../../src/prompt/contribution.ts';
import { PromptLayer } from '../../src/prompt/layer.ts';
import { type RenderedPrompt, renderPrompt } from '../../src/prompt/render.ts';
import { createPromptRenderer } from '../../src/prompt/renderer.ts';
import { resolvePrompt } from '../../src/prompt/resolve.ts';
import type { PromptTemplate } from '../../src/prompt/template.ts';

const render = (layers: readonly PromptLayerData[], tools: readonly string[] = []): RenderedPrompt =>
  renderPrompt(resolvePrompt(layers, tools), tools);

const layer = (...contributions: readonly PromptContribution[]): PromptLayer =>
  contributions.reduce(PromptLayer.addContribution, PromptLayer.empty);

/** A template that shows one slot and nothing else. */
const only = (slot: 'guidance' | 'cli_rlm_execution'): PromptTemplate => ({
  sections: [{ entries: [{ kind: 'slot', slot }] }],
});

const guidanceOnly = (...layers: readonly PromptLayer[]): string =>
  render([PromptLayer.withTemplate(PromptLayer.empty, only('guidance')), ...layers]).text;

const { guidance } = PromptContribution;

describe('the default template', () => {
  test('shows the builtins in their sections', () => {
    const { text, components } = render([], ['search']);
    expect(components.map(({ id }) => id)).toEqual([
      'main_agent_intro',
      'execution_instructions',
      'core_guidance',
    ]);
    expect(text).toBe(
      [components[0]?.text, '## Execution', components[1]?.text, '## Guidance', components[2]?.text].join(
        '\n\n',
      ),
    );
  });

  test('says nothing of tools where there are none', () => {
    const { text } = render([]);
    expect(text).not.toContain('## Execution');
    expect(text).not.toMatch(/\btools?\b.*call/i);
  });

  test('has the line about asking only where a tool named ask can be called', () => {
    expect(render([], ['search']).text).not.toContain('`ask`');
    const lines = render([], ['ask']).components.at(-1)?.text.split('\n');
    expect(lines).toHaveLength(4);
    expect(lines?.[1]).toContain('`ask`');
  });

  test('puts project instructions before guidance, and each slot into its section', () => {
    const { components, text } = render([
      layer(
        PromptContribution.environment('e'),
        PromptContribution.runtimeContext('r'),
        guidance('g'),
        PromptContribution.projectInstructions('p'),
        PromptContribution.intro('i'),
      ),
    ]);
    expect(components.map(({ id }) => id)).toEqual([
      'main_agent_intro',
      'intro.0',
      'core_guidance',
      'project_instructions.0',
      'guidance.0',
      'runtime_context.0',
      'environment.0',
    ]);
    expect(text).toContain(
      '### Project Instructions\n\np\n\ng\n\n## Environment\n\n### Runtime Context\n\nr\n\ne',
    );
  });

  test('hides slots that only other templates show', () => {
    const rlm = layer({ slot: 'cli_rlm_execution', content: 'hidden' });
    expect(render([rlm]).text).not.toContain('hidden');
    expect(render([PromptLayer.withTemplate(rlm, only('cli_rlm_execution'))]).text).toBe('hidden');
  });
});

describe('a section', () => {
  test('is left out, title and all, when it has no text', () => {
    const template: PromptTemplate = {
      sections: [
        {
          title: 'Empty',
          entries: [
            { kind: 'text', content: '  ' },
            { kind: 'slot', slot: 'guidance' },
          ],
        },
        { title: ' Full ', entries: [{ kind: 'text', content: ' text\n' }] },
      ],
    };
    const rendered = render([PromptLayer.withTemplate(PromptLayer.empty, template)]);
    expect(rendered.text).toBe('## Full\n\ntext');
    expect(rendered.components).toEqual([{ id: 'text.1.0', kind: 'text', text: 'text' }]);
  });

  test('shows a slot as often as the template places it', () => {
    const template: PromptTemplate = {
      sections: [...only('guidance').sections, ...only('guidance').sections],
    };
    expect(render([PromptLayer.withTemplate(layer(guidance('g')), template)]).text).toBe('g\n\ng');
  });
});

describe('layers', () => {
  test('the last template wins', () => {
    const lower = PromptLayer.withTemplate(layer(guidance('g')), only('cli_rlm_execution'));
    const upper = PromptLayer.withTemplate(PromptLayer.empty, only('guidance'));
    expect(render([lower, upper, PromptLayer.empty]).text).toBe('g');
  });

  test('add to what lower layers contributed', () => {
    expect(guidanceOnly(layer(guidance('a')), layer(guidance('b')))).toBe('a\n\nb');
  });

  test('a cleared slot drops what lower layers contributed, in that slot only', () => {
    const lower = layer(guidance('a'), PromptContribution.intro('i'));
    const cleared = PromptLayer.clearSlot(PromptLayer.empty, 'guidance');
    expect(guidanceOnly(lower, cleared)).toBe('');
    expect(render([lower, cleared]).text).toContain('\n\ni');
  });

  test('a replaced slot shows the replacement and what comes after it', () => {
    const replaced = PromptLayer.replaceSlot(PromptLayer.empty, 'guidance', [guidance('b')]);
    expect(guidanceOnly(layer(guidance('a')), replaced, layer(guidance('c')))).toBe('b\n\nc');
  });

  test('apply from environment over session to turn', () => {
    const environment = layer(guidance('env'), PromptContribution.environment('on a phone'));
    const session = PromptLayer.replaceSlot(PromptLayer.empty, 'guidance', [guidance('session')]);
    const turn = PromptLayer.clearSlot(layer(guidance('turn')), 'environment');
    const { text } = render([environment, session, turn]);
    expect(text).toContain('session\n\nturn');
    expect(text).not.toContain('env');
    expect(text).not.toContain('phone');
  });
});

describe('contributions to one slot', () => {
  test('are ordered by priority, then title, none first, then content', () => {
    const text = guidanceOnly(
      layer(
        guidance('late', { priority: 5 }),
        guidance('z', { title: 'B' }),
        guidance('y', { title: 'A' }),
        guidance('x', { title: 'A' }),
        guidance('untitled'),
        guidance('early', { priority: -1 }),
      ),
    );
    expect(text.match(/^[a-z]+$/gm)).toEqual(['early', 'untitled', 'x', 'y', 'z', 'late']);
  });

  test('are trimmed, and blank ones are dropped', () => {
    expect(guidanceOnly(layer(guidance('  a \n'), guidance(' \n')))).toBe('a');
  });

  test('show once when they are the same, and twice when title or priority differs', () => {
    expect(guidanceOnly(layer(guidance('a'), guidance(' a ')), layer(guidance('a', { priority: 0 })))).toBe(
      'a',
    );
    expect(guidanceOnly(layer(guidance('a'), guidance('a', { priority: 1 })))).toBe('a\n\na');
    expect(guidanceOnly(layer(guidance('a'), guidance('a', { title: 'T' })))).toBe('a\n\n### T\n\na');
  });

  test('with a gate show only where one of the tools can be called', () => {
    const gated = layer(guidance('gated', { tools: ['a', 'b'] }));
    expect(render([gated], []).text).not.toContain('gated');
    expect(render([gated], ['c']).text).not.toContain('gated');
    expect(render([gated], ['b', 'c']).text).toContain('gated');
  });
});

describe('a renderer', () => {
  test('gives the same object back for the same and for equal layers', () => {
    const renderer = createPromptRenderer();
    const environment = layer(guidance('a'));
    const first = renderer.render([environment], ['t']);
    expect(renderer.render([environment], ['t'])).toBe(first);
    expect(renderer.render([layer(guidance('a'))], ['t'])).toBe(first);
  });

  test('renders again when a layer or the tools change', () => {
    const renderer = createPromptRenderer();
    const first = renderer.render([layer(guidance('a'))], []);
    const second = renderer.render([layer(guidance('b'))], []);
    expect(second.text).toBe(first.text.replace(/a$/, 'b'));
    expect(renderer.render([layer(guidance('b'))], ['ask']).text).toContain('`ask`');
  });

  test('sees an array of layers that was changed in place', () => {
    const renderer = createPromptRenderer();
    const layers = [layer(guidance('first'))];
    renderer.render(layers, []);
    layers.push(layer(guidance('second')));
    expect(renderer.render(layers, []).text).toContain('second');
  });
});
