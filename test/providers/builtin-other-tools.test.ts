import { builtinProvider } from 'lash-web/providers/builtin';
import { describe, expect, test } from 'vitest';

import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import type { ToolSpec } from '../../src/core/tool-spec.ts';
import { callsOf, eventsOf, requestOf, textOf, toolOf, userSays } from './requests.ts';

const fast = builtinProvider({ wordsPerSecond: 0 });

function planTool(items: JsonObject): ToolSpec {
  const properties = { steps: { type: 'array', items } };
  return { name: 'plan', description: 'Plans', inputSchema: { type: 'object', properties } };
}

const stepOf = (...fields: readonly (readonly [string, JsonObject])[]): JsonObject => ({
  type: 'object',
  properties: Object.fromEntries(fields),
});

async function stepsFor(tool: ToolSpec): Promise<unknown> {
  const events = await eventsOf(fast, requestOf('Plan: bread and milk', { tools: [tool] }));
  return callsOf(events).map(({ args }) => (args as { steps: unknown }).steps);
}

/** What the model says of a call of `tool` that came back with `result`. */
async function told(tool: string, args: JsonObject, result: JsonValue): Promise<string> {
  const call = { type: 'tool-call', callId: 'c', tool, args } as const;
  const content = typeof result === 'string' ? result : JSON.stringify(result);
  const answer = { type: 'tool-result', callId: 'c', tool, status: 'success', content } as const;
  const messages = [
    userSays('do it'),
    { role: 'assistant', parts: [call] },
    { role: 'tool', parts: [answer] },
  ] as const;
  return textOf(await eventsOf(fast, requestOf(messages, { tools: [toolOf(tool)] })));
}

describe('the built-in model writes the steps of a plan as the tool wants them', () => {
  test('as texts', async () => {
    expect(await stepsFor(planTool({ type: 'string' }))).toEqual([['bread', 'milk']]);
  });

  test('as objects with one text and marks that are not set', async () => {
    const step = stepOf(['text', { type: 'string' }], ['done', { type: 'boolean' }]);
    expect(await stepsFor(planTool(step))).toEqual([
      [
        { text: 'bread', done: false },
        { text: 'milk', done: false },
      ],
    ]);
    expect(await stepsFor(planTool(stepOf(['title', { type: 'string' }])))).toEqual([
      [{ title: 'bread' }, { title: 'milk' }],
    ]);
  });

  test.each([
    ['two texts', stepOf(['text', { type: 'string' }], ['why', { type: 'string' }])],
    ['no text', stepOf(['done', { type: 'boolean' }])],
    ['a schema that says nothing', {}],
  ])('as texts where it cannot know better: %s', async (_, items) => {
    expect(await stepsFor(planTool(items))).toEqual([['bread', 'milk']]);
  });
});

describe('the built-in model shows an answer as it is where a tool of a known name is another one', () => {
  test.each<readonly [string, JsonObject, JsonValue]>([
    ['spawn_agent', {}, 'hello'],
    ['calculator', { sum: '1 + 1' }, 2],
    ['calculator', { expression: '1 + 1' }, { sum: 2 }],
    ['remember', {}, 'noted'],
    ['forget', {}, 'gone'],
    ['plan', { steps: [{ text: 'bread', done: false }] }, 'noted'],
    ['tick', { step: 'milk' }, 'noted'],
    ['timer', {}, 'over'],
    ['timer', { seconds: '5' }, 'over'],
    ['countdown', {}, 'begun'],
    ['tasks_list', {}, 'three'],
    ['tasks_list', {}, { tasks: [{ title: 'a task' }] }],
    ['read_file', {}, 'all of the text'],
    ['set_theme', {}, 'done'],
  ])('%s %j', async (tool, args, result) => {
    const shown = typeof result === 'string' ? result : JSON.stringify(result, null, 2);
    expect(await told(tool, args, result)).toBe(`The tool \`${tool}\` answered:\n\n\`\`\`\n${shown}\n\`\`\``);
  });

  test('and tells it in its words where all is there', async () => {
    expect(await told('plan', { steps: ['bread'] }, { steps: 1 })).toBe('The plan has **1** step.');
    expect(await told('tick', { step: 'milk' }, { found: true, left: 0 })).toBe(
      'I ticked off **milk**; 0 left.',
    );
    expect(await told('tick', { step: 'milk' }, { found: false, left: 0 })).toBe(
      'There is no step **milk** in the plan.',
    );
    expect(await told('calculator', { expression: '1 + 1' }, 2)).toBe('`1 + 1` is **2**.');
    expect(await told('tasks_list', {}, { tasks: [] })).toBe('Nothing runs in the background.');
    expect(await told('tasks_list', {}, { tasks: [{ title: 'my_task', state: 'cancel_requested' }] })).toBe(
      '- **my_task**: cancel requested',
    );
  });
});
