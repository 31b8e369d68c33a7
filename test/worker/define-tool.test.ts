import { expect, test } from 'vitest';
import * as full from 'zod';
import * as z from 'zod/mini';

import { type ToolContext, toolSpec } from '../../src/contract/tool.ts';
import { defineTool } from '../../src/worker/define-tool.ts';

const context = {} as ToolContext;

const add = defineTool({
  name: 'add',
  description: 'Adds two numbers.',
  input: z.strictObject({ a: z.number(), b: z._default(z.number(), 1) }),
  execute: ({ a, b }) => a + b,
});

test('a tool has the JSON Schema of what a model may pass', async () => {
  expect((await toolSpec(add)).inputSchema).toEqual({
    type: 'object',
    properties: { a: { type: 'number' }, b: { type: 'number', default: 1 } },
    required: ['a'],
    additionalProperties: false,
  });
});

test('[TU9] a tool is run with what its schema makes of the arguments', async () => {
  const checked = await add.check({ a: 2 });
  expect(checked).toEqual({ ok: true, value: { a: 2, b: 1 } });
  expect(await add.execute(checked.ok ? checked.value : null, context)).toBe(3);
});

test.each([
  [{ a: 'two' }, '$.a', 'is missing or not of type number'],
  [{}, '$.a', 'is missing or not of type number'],
  [{ a: 1, c: 1 }, '$', 'has unknown keys: c'],
  [[1], '$', 'is missing or not of type object'],
])('[TU9] %j is refused with the place and the reason', async (args, path, reason) => {
  expect(await add.check(args)).toEqual({ ok: false, path, reason });
});

test('[TU9] the reason that a schema gives in words is kept, and the place is the one that is wrong', async () => {
  const tool = defineTool({
    name: 'list',
    description: '',
    input: z.object({
      items: z.array(
        z.union([z.object({ kind: z.literal('a'), n: z.int().check(z.lte(5, 'is too much')) }), z.string()]),
      ),
    }),
    execute: () => null,
  });
  expect(await tool.check({ items: ['x', { kind: 'a', n: 9 }] })).toEqual({
    ok: false,
    path: '$.items[1].n',
    reason: 'is too much',
  });
});

test('a tool can be written with the full zod, and be checked asynchronously', async () => {
  const tool = defineTool({
    name: 'even',
    description: '',
    input: full.object({ n: full.number().refine(async (n) => n % 2 === 0, 'must be even') }),
    execute: ({ n }) => n / 2,
  });
  expect(await tool.check({ n: 3 })).toEqual({ ok: false, path: '$.n', reason: 'must be even' });
  expect(await tool.check({ n: 4 })).toEqual({ ok: true, value: { n: 4 } });
});

test('a name that providers do not take is refused at once', () => {
  const input = z.object({});
  expect(() => defineTool({ name: 'no spaces', description: '', input, execute: () => null })).toThrow(
    expect.objectContaining({ code: 'InvalidInput' }),
  );
});

test.each([
  ['a schema that is not an object', z.string()],
  ['a schema without a form as JSON Schema', z.object({ at: z.date() })],
])('%s is refused where the model would be told of the tool', async (_what, input) => {
  const tool = defineTool({ name: 'odd', description: '', input, execute: () => null });
  await expect(toolSpec(tool)).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringContaining('odd') as string,
  });
});
