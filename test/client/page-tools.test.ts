import { expect, test } from 'vitest';

import { type PageTool, PageToolbox } from '../../src/client/page-tools.ts';
import type { PageToolRequest } from '../../src/protocol/channel-item.ts';

const tool = (value: string, change: Partial<PageTool> = {}): PageTool => ({
  name: 'query',
  description: 'Reads.',
  inputSchema: { type: 'object' },
  execute: () => value,
  ...change,
});

const request = (offer: number): PageToolRequest => ({
  offer,
  tool: 'query',
  args: {},
  sessionId: 's',
  turnId: 't',
  callId: 'c',
});

test('[TL8] a call that was on its way while the page offered again runs the tool only if it is the same', async () => {
  const box = new PageToolbox();
  const first = box.replace([tool('first')]);
  const second = box.replace([tool('second')]);
  expect(await box.run(1, request(first))).toEqual({ ok: true, value: { value: 'second' } });
  const third = box.replace([tool('third', { inputSchema: {} })]);
  expect(await box.run(2, request(second))).toMatchObject({ ok: false, error: { code: 'ToolUnavailable' } });
  expect(await box.run(3, request(third))).toEqual({ ok: true, value: { value: 'third' } });
  box.replace([]);
  expect(await box.run(4, request(third))).toMatchObject({ ok: false, error: { code: 'ToolNotFound' } });
});

test('[TL8] an offer that the worker refused is taken back, whatever was offered meanwhile', async () => {
  const box = new PageToolbox();
  const first = box.replace([tool('first')]);
  const refused = box.replace([tool('refused'), tool('refused')]);
  box.takeBack(refused);
  expect(box.offer).toMatchObject({ offer: first, tools: [{ name: 'query' }] });
  expect(await box.run(1, request(first))).toEqual({ ok: true, value: { value: 'first' } });
  const again = box.replace([tool('refused again')]);
  const last = box.replace([tool('last')]);
  box.takeBack(again);
  expect(box.offer?.offer).toBe(last);
});
