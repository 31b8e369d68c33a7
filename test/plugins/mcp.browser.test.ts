import type { JsonValue, SessionClient } from 'lash-web';
import { afterAll, describe, expect, test } from 'vitest';

import { mcpServerUrl, stopMcpServers } from '../support/browser/commands.ts';
import { eventually } from '../support/eventually.ts';
import { connect, newDatabase, policy, within } from '../worker/page.ts';
import type { McpKind } from './mcp-kinds.ts';

afterAll(stopMcpServers);

const worker = (): Worker => new Worker(new URL('./mcp.worker.ts', import.meta.url), { type: 'module' });

async function open(): Promise<SessionClient> {
  const client = await connect({ config: { database: newDatabase() } }, worker);
  return await client.createSession({ policy });
}

async function attach(
  session: SessionClient,
  kind: McpKind,
  more: object = {},
  name = 's',
): Promise<JsonValue> {
  const server = { url: await mcpServerUrl(kind), ...more };
  return await within(session.runAction('attaching', 'attach', { name, server }));
}

/** Runs a turn in which the model calls a tool, and gives back the outcome. */
async function call(session: SessionClient, tool: string, args: JsonValue = {}): Promise<unknown> {
  const { result } = session.turn(JSON.stringify({ tool, args }));
  expect(await within(result)).toMatchObject({ status: 'completed' });
  return session
    .getSnapshot()
    .window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []))
    .at(-1);
}

describe.each<McpKind>(['whole', 'modern', 'strict'])('an MCP server that is %s, from a worker', (kind) => {
  test('[MC3] [MC4] [MC5] [MC6] has tools, results, images and errors', async () => {
    const session = await open();
    await attach(session, kind);
    expect(await call(session, 'mcp__s__echo', { text: 'hi' })).toEqual({
      status: 'success',
      value: { echoed: 'hi' },
    });
    expect(await call(session, 'mcp__s__look_up_2')).toMatchObject({ value: 'look.up' });
    expect(await call(session, 'mcp__s__picture')).toMatchObject({
      value: 'Here it is.\nNotes.\nmore: file:///more',
      attachments: [{ mime: 'image/png' }, { mime: 'application/octet-stream' }, { mime: 'audio/wav' }],
    });
    expect(await call(session, 'mcp__s__fails')).toMatchObject({
      status: 'failure',
      data: { server: 's', tool: 'fails', code: 'mcp_tool_error' },
    });
    expect(await call(session, 'mcp__s__echo', { text: '' })).toMatchObject({ code: 'InvalidToolArguments' });
  });

  test('[MC7] has 50 MB cut off, and a call of a turn that is stopped ended', async () => {
    const session = await open();
    await attach(session, kind);
    expect(await call(session, 'mcp__s__huge')).toMatchObject({
      class: 'resource-limit',
      data: { server: 's', tool: 'huge', code: 'mcp_result_too_large' },
    });
    const turn = session.turn(JSON.stringify({ tool: 'mcp__s__slow', args: {} }));
    for await (const { type } of turn) if (type === 'tool-started') break;
    await turn.cancel();
    expect(await within(turn.result)).toMatchObject({ status: 'cancelled' });
    expect(await call(session, 'mcp__s__who')).toMatchObject({ value: 'who' });
  });

  test('[MC8] tells that its tools have changed, and is detached while the session is open', async () => {
    const session = await open();
    await attach(session, kind);
    await call(session, 'mcp__s__grow');
    await eventually(async () => {
      expect(JSON.stringify(await session.runAction('mcp', 'status'))).toContain('mcp__s__grown1');
    });
    expect(await call(session, 'mcp__s__grown1')).toMatchObject({ value: 'grown1' });
    await session.runAction('attaching', 'detach', 's');
    expect(await call(session, 'mcp__s__who')).toMatchObject({ code: 'ToolNotFound' });
  });
});

test.each<readonly [McpKind, string, object]>([
  ['absent', 'mcp_unreachable', {}],
  ['mute', 'mcp_timeout', { startupTimeoutMs: 1000 }],
  ['page', 'mcp_protocol_error', {}],
  ['closed', 'mcp_http_error', {}],
  ['flood', 'mcp_result_too_large', { maxResultBytes: 1_000_000 }],
])('[MC2] a server that is %s does not stop another one, in a worker too', async (kind, code, more) => {
  const session = await open();
  expect(await attach(session, kind, more, 'bad')).toMatchObject({
    state: 'failed',
    problem: { code },
  });
  await attach(session, 'whole');
  expect(await call(session, 'mcp__s__who')).toMatchObject({ value: 'who' });
});

test('[MC2] [MC4] a server that lies, in a worker too', async () => {
  const session = await open();
  expect(await attach(session, 'lying')).toMatchObject({
    state: 'connected',
    tools: ['sound', 'deep', 'empty', 'hidden', 'wordy'].map((tool) => `mcp__s__${tool}`),
  });
  expect(await call(session, 'mcp__s__deep')).toMatchObject({ data: { code: 'mcp_protocol_error' } });
});
