import { describe, expect, it } from 'vitest';

import { mcpServers, type McpServer, type McpServerStatus } from '../../src/plugins/mcp.ts';
import { eventually } from '../support/eventually.ts';
import { ECHO_SCHEMA, type McpKind } from './mcp-kinds.ts';
import { McpSession, openServer, restart, startServer } from './mcp-support.ts';
import { HUGE_BYTES } from './mcp-test-server.ts';

describe.each<McpKind>(['whole', 'modern', 'strict'])('a server that is %s', (kind) => {
  it('[MC3] [MC4] has its tools named, and their schemas kept as they are', async () => {
    const { session } = await openServer(kind);
    expect(await session.talk()).toEqual([
      'mcp__s__echo',
      'mcp__s__look_up',
      'mcp__s__look_up_2',
      'mcp__s__look_up_3',
      'mcp__s__picture',
      'mcp__s__fails',
      'mcp__s__refuses',
      'mcp__s__slow',
      'mcp__s__huge',
      'mcp__s__who',
      'mcp__s__grow',
    ]);
    expect(session.request?.tools[0]).toEqual({
      name: 'mcp__s__echo',
      description: 'Does echo.',
      inputSchema: ECHO_SCHEMA,
    });
    expect(session.mcp.status()).toMatchObject([
      { server: 's', state: 'connected', leftOut: [], problem: null },
    ]);
  });

  it('[MC3] [MC5] is called by the names of its own, and prefers structured content over text', async () => {
    const { session } = await openServer(kind);
    expect(await session.call('mcp__s__echo', { text: 'hi' })).toEqual({
      status: 'success',
      value: { echoed: 'hi' },
    });
    expect(await session.call('mcp__s__look_up_2')).toEqual({ status: 'success', value: 'look.up' });
  });

  it('[MC5] has its images and other bytes made attachments, and what is no image is not shown as one', async () => {
    const { session } = await openServer(kind);
    const outcome = await session.call('mcp__s__picture');
    expect(outcome).toMatchObject({
      status: 'success',
      value: 'Here it is.\nNotes.\nmore: file:///more',
      attachments: [
        { mime: 'image/png' },
        { mime: 'application/octet-stream', byteLength: 8 },
        { mime: 'audio/wav', byteLength: 5 },
      ],
    });
  });

  it('[MC6] that says that a tool failed is a typed failure', async () => {
    const { session } = await openServer(kind);
    expect(await session.call('mcp__s__fails')).toMatchObject({
      status: 'failure',
      code: 'ToolFailed',
      class: 'execution',
      retryable: false,
      message: 'The MCP server s says that fails failed: The disk is full.',
      data: { server: 's', tool: 'fails', code: 'mcp_tool_error' },
    });
  });

  it('[MC6] that refuses what its schema allows is a typed failure', async () => {
    const { session } = await openServer(kind);
    expect(await session.call('mcp__s__refuses')).toMatchObject({
      status: 'failure',
      class: 'invalid-request',
      data: { server: 's', tool: 'refuses', code: 'mcp_protocol_error', rpcCode: -32_602 },
    });
  });

  it('[MC7] is told to stop when a turn is', async () => {
    const { server, session } = await openServer(kind);
    const turn = session.begin('mcp__s__slow');
    await eventually(() => expect(server.slow.begun).toBe(1));
    await turn.cancel();
    expect(await turn.result).toMatchObject({ status: 'cancelled' });
    await eventually(() => expect(server.slow.stopped).toBe(1));
    expect(await session.call('mcp__s__who')).toMatchObject({ value: 'who' });
  });

  it('[MC7] has 50 MB cut off while they come', async () => {
    const { server, session } = await openServer(kind);
    expect(await session.call('mcp__s__huge')).toMatchObject({
      status: 'failure',
      class: 'resource-limit',
      message: 'The MCP server s answered with more than 8388608 bytes',
      data: { server: 's', tool: 'huge', code: 'mcp_result_too_large', maxBytes: 8_388_608 },
    });
    expect(server.hugeBytes).toBeLessThan(HUGE_BYTES);
    expect(await session.call('mcp__s__who')).toMatchObject({ value: 'who' });
  });

  it('[MC8] tells that its tools have changed: the next model call is offered others', async () => {
    const { server, session } = await openServer(kind);
    await session.call('mcp__s__grow');
    await eventually(() => expect(session.mcp.status()[0]?.tools).toContain('mcp__s__grown1'));
    expect(await session.call('mcp__s__grown1')).toMatchObject({ value: 'grown1' });
    await server.grow(-1);
    await eventually(() => expect(session.mcp.status()[0]?.tools).not.toContain('mcp__s__grown1'));
    expect(await session.call('mcp__s__grown1')).toMatchObject({ code: 'ToolNotFound' });
  });

  it('[MC1] is connected to anew after it was started again', async () => {
    const { server, session } = await openServer(kind);
    await session.talk();
    await restart(server, kind);
    expect(await session.call('mcp__s__echo', { text: 'again' })).toMatchObject({
      value: { echoed: 'again' },
    });
  });
});

describe('one server that cannot be used', () => {
  it.each<readonly [McpKind, string, RegExp]>([
    ['absent', 'mcp_unreachable', /^The MCP server bad did not answer/u],
    ['mute', 'mcp_timeout', /^The MCP server bad did not connect within 300 ms$/u],
    ['page', 'mcp_protocol_error', /^The MCP server bad said something that cannot be used: .*text\/html/u],
    ['closed', 'mcp_http_error', /^The MCP server bad refused the request with HTTP 401/u],
    ['flood', 'mcp_result_too_large', /^The MCP server bad answered with more than 1000000 bytes$/u],
  ])('[MC2] that is %s does not stop another one, and the status says why', async (kind, code, words) => {
    const [bad, good] = [await startServer(kind), await startServer()];
    const startupTimeoutMs = kind === 'mute' ? 300 : 20_000;
    const servers = {
      bad: { url: bad.url, startupTimeoutMs, maxResultBytes: 1_000_000 },
      good: { url: good.url, tools: ['who'] },
    };
    const session = await McpSession.open({ servers });
    expect(await session.call('mcp__good__who')).toMatchObject({ value: 'who' });
    expect(session.offered).toEqual(['mcp__good__who']);
    expect(session.mcp.status()).toMatchObject([
      {
        server: 'bad',
        state: 'failed',
        tools: [],
        problem: { code, message: expect.stringMatching(words) as string },
      },
      { server: 'good', state: 'connected', problem: null },
    ]);
  });

  it('[MC1] is tried again, which nobody waits for, until it is there', async () => {
    const server = await startServer('mute');
    const session = await McpSession.open({ servers: { s: { url: server.url, startupTimeoutMs: 2000 } } });
    expect(await session.talk()).toEqual([]);
    await restart(server);
    await eventually(async () => expect(await session.talk()).toContain('mcp__s__who'));
    expect(await session.call('mcp__s__who')).toMatchObject({ value: 'who' });
  });

  it('[MC2] that lies has what it lists left out, as far as that cannot be used, and the rest works', async () => {
    const { session } = await openServer('lying');
    expect(await session.talk()).toEqual(
      ['sound', 'deep', 'empty', 'hidden', 'wordy'].map((tool) => `mcp__s__${tool}`),
    );
    expect(session.request?.tools.at(-1)?.description).toHaveLength(8192);
    expect(session.mcp.status()[0]?.leftOut).toEqual([
      { tool: 'no schema', reason: 'its schema is not that of an object' },
      { tool: 'list', reason: 'its schema is not that of an object' },
      { tool: 'nowhere', reason: expect.stringMatching(/^its schema cannot be used: .*nowhere/su) as string },
      { tool: 'long', reason: 'its schema has more than 65536 characters' },
      { tool: 'x'.repeat(256), reason: 'its name has more than 256 characters' },
      { tool: '', reason: 'it has no name' },
    ]);
    const outcome = await session.call('mcp__s__sound');
    expect(outcome).toMatchObject({ status: 'success' });
    if (outcome.status !== 'success') throw new Error('it failed');
    expect(outcome.value).toMatch(/^\[something that cannot be decoded\]\n\[audio\/wav: one too many\]\n/u);
    expect(outcome.attachments?.map(({ mime }) => mime).slice(0, 2)).toEqual([
      'application/octet-stream',
      'audio/wav',
    ]);
    expect(outcome.attachments).toHaveLength(20);
    const refused = { class: 'external', data: { server: 's', code: 'mcp_protocol_error' } };
    expect(await session.call('mcp__s__deep')).toMatchObject(refused);
    expect(await session.call('mcp__s__empty')).toMatchObject(refused);
    expect(await session.call('mcp__s__hidden', { a: 1 })).toMatchObject({
      status: 'failure',
      code: 'ToolFailed',
    });
  });

  it('[MC4] that lists without an end is read up to 1,000 tools', async () => {
    const { session } = await openServer('paged');
    expect(await session.talk()).toHaveLength(1000);
    expect(session.mcp.status()[0]?.leftOut).toMatchObject([{ tool: '*' }]);
  });

  it.each([
    ['slow', 'safe', true],
    ['slow', 'never', false],
  ] as const)(
    '[MC6] whose tool is %s, and %s to be called again, is a timeout',
    async (tool, replay, retryable) => {
      const { server, session } = await openServer('whole', { callTimeoutMs: 2000, replay });
      expect(await session.call(`mcp__s__${tool}`)).toMatchObject({
        status: 'failure',
        class: 'timeout',
        retryable,
        message: 'The MCP server s did not answer to slow within 2000 ms',
        data: { server: 's', tool, code: 'mcp_timeout' },
      });
      await eventually(() => expect(server.slow.stopped).toBe(1));
    },
  );

  it('[MC6] that goes away during a call is a typed failure, and is connected to anew when it is back', async () => {
    const { server, session } = await openServer();
    const turn = session.begin('mcp__s__slow');
    await eventually(() => expect(server.slow.begun).toBe(1));
    await restart(server);
    expect(await turn.result).toMatchObject({ status: 'completed' });
    expect(session.outcome()).toMatchObject({ class: 'external', data: { code: 'mcp_unreachable' } });
    expect(await session.call('mcp__s__who')).toMatchObject({ value: 'who' });
  });
});

describe('a call', () => {
  it('[MC4] is checked against the schema before the server is asked', async () => {
    const { server, session } = await openServer();
    expect(await session.call('mcp__s__echo', { text: '' })).toMatchObject({
      code: 'InvalidToolArguments',
      message: expect.stringContaining('$.text') as string,
    });
    expect(server.calls).toEqual([]);
  });

  it('waits for approval where the host says so of this call', async () => {
    const asked: unknown[] = [];
    const { server, session } = await openServer('whole', {
      approval: (call) => {
        asked.push(call);
        return !call.readOnly;
      },
    });
    expect(await session.call('mcp__s__echo', { text: 'hi' })).toMatchObject({ status: 'success' });
    const turn = session.begin('mcp__s__who');
    await eventually(() => expect(session.runtime.view().turn?.waits).toHaveLength(1));
    expect(server.calls).toEqual(['echo']);
    await turn.cancel();
    await turn.result;
    expect(asked).toEqual([
      { tool: 'echo', args: { text: 'hi' }, readOnly: true },
      { tool: 'who', args: {}, readOnly: false },
    ]);
  });

  it('[MC6] [MC8] of a tool that the server has no more, since it was started again, is not made', async () => {
    const { server, session } = await openServer('whole', { approval: true });
    await server.grow(1);
    const turn = session.begin('mcp__s__grown1');
    await eventually(() => expect(session.runtime.view().turn?.waits).toHaveLength(1));
    const next = await restart(server);
    const [wait] = session.runtime.view().turn?.waits ?? [];
    if (wait?.kind !== 'approval') throw new Error('nobody is asked');
    await session.runtime.answer(wait.requestId, { approve: true });
    expect(await turn.result).toMatchObject({ status: 'completed' });
    expect(session.outcome()).toMatchObject({
      class: 'unavailable',
      message: 'The MCP server s has no tool grown1 any more',
      data: { server: 's', tool: 'grown1', code: 'mcp_gone' },
    });
    expect(next.calls).toEqual([]);
  });

  it('may be made again after a crash where the server, or the host, says that this is safe', async () => {
    const { session } = await openServer();
    await session.talk();
    const replays = (mcp: McpSession['mcp']): readonly unknown[] => {
      const tools = mcp.plugin.build?.({} as never).tools;
      return (typeof tools === 'function' ? tools() : []).map(({ replay }) => replay);
    };
    expect(replays(session.mcp).slice(0, 4)).toEqual(['safe', 'never', 'never', 'safe']);
  });

  it('sends the headers that the host gives for each request', async () => {
    let count = 0;
    const { server, session } = await openServer('whole', {
      headers: async () => await Promise.resolve({ authorization: `Bearer ${++count}` }),
    });
    await session.call('mcp__s__who');
    expect(new Set(server.authorizations).size).toBe(server.authorizations.length);
    expect(server.authorizations).toContain(`Bearer ${count}`);
  });
});

it('[MC2] [MC6] headers that cannot be had are named as that, when it is connected to and when it is called', async () => {
  let fails = true;
  const { session } = await openServer('whole', {
    headers: () => {
      if (fails) throw new Error('no token yet');
      return {};
    },
  });
  const message = 'The MCP server s cannot be asked: its headers could not be had: no token yet';
  await session.talk();
  expect(session.mcp.status()).toMatchObject([
    { state: 'failed', problem: { code: 'mcp_headers_failed', message } },
  ]);
  fails = false;
  await eventually(async () => expect(await session.talk()).toContain('mcp__s__who'));
  fails = true;
  expect(await session.call('mcp__s__who')).toMatchObject({ class: 'internal', message });
  fails = false;
  expect(await session.call('mcp__s__who')).toMatchObject({ value: 'who' });
});

describe('servers', () => {
  it('[MC1] have one connection for all sessions, which ends with the last one', async () => {
    const server = await startServer();
    const told: McpServerStatus[] = [];
    const mcp = mcpServers({
      servers: { s: { url: server.url } },
      onStatus: (status) => {
        told.push(status);
        throw new Error('whatever');
      },
    });
    const [one, two] = [await McpSession.open(mcp), await McpSession.open(mcp)];
    expect(mcp.status()).toMatchObject([{ state: 'idle', tools: [] }]);
    await Promise.all([one.talk(), two.talk()]);
    await one.runtime.close();
    expect(await two.call('mcp__s__who')).toMatchObject({ value: 'who' });
    expect(server.sessions).toEqual({ begun: 1, ended: 0 });
    await two.runtime.close();
    await eventually(() => expect(server.sessions).toEqual({ begun: 1, ended: 1 }));
    expect(mcp.status()).toMatchObject([{ state: 'idle', tools: [] }]);
    const three = await McpSession.open(mcp);
    expect(await three.call('mcp__s__who')).toMatchObject({ value: 'who' });
    const states = ['connecting', 'connected', 'idle', 'connecting', 'connected'];
    expect(told.map(({ state }) => state)).toEqual(states);
  });

  it('[MC8] are attached and detached while a session is open', async () => {
    const [first, second] = [await startServer(), await startServer('modern')];
    const session = await McpSession.open({ servers: { first: { url: first.url, tools: ['slow'] } } });
    expect(await session.talk()).toEqual(['mcp__first__slow']);
    const attached = await session.mcp.attach('second', { url: second.url, tools: ['who', 'nothing'] });
    expect(attached).toMatchObject({
      state: 'connected',
      tools: ['mcp__second__who'],
      leftOut: [{ tool: 'nothing', reason: 'the server does not have it' }],
    });
    expect(await session.call('mcp__second__who')).toMatchObject({ value: 'who' });
    const turn = session.begin('mcp__first__slow');
    await eventually(() => expect(first.slow.begun).toBe(1));
    await session.mcp.detach('first');
    expect(await turn.result).toMatchObject({ status: 'completed' });
    expect(session.outcome()).toMatchObject({
      class: 'unavailable',
      message: 'The MCP server first was detached',
      data: { server: 'first', tool: 'slow', code: 'mcp_gone' },
    });
    expect(await session.talk()).toEqual(['mcp__second__who']);
    expect(first.sessions).toEqual({ begun: 1, ended: 1 });
    await session.mcp.detach('nobody');
    expect(session.mcp.status()).toHaveLength(1);
  });

  it('[MC8] are not called any more once they are detached, also by a call that was about to be made', async () => {
    const { server, session } = await openServer();
    await session.talk();
    const { tools } = session.mcp.plugin.build?.({} as never) ?? {};
    const who = (typeof tools === 'function' ? tools() : []).find(({ name }) => name === 'mcp__s__who');
    await session.mcp.detach('s');
    const context = { signal: new AbortController().signal } as never;
    await expect(who?.execute({}, context)).rejects.toMatchObject({ data: { data: { code: 'mcp_gone' } } });
    expect(server.calls).toEqual([]);
    expect(server.sessions).toEqual({ begun: 1, ended: 1 });
  });

  it('tell pages how they are doing', async () => {
    const { session } = await openServer('absent');
    await session.talk();
    expect(await session.runtime.runAction({ plugin: 'mcp', action: 'status' })).toEqual(
      session.mcp.status(),
    );
  });

  it.each<readonly [string, string, Partial<McpServer>]>([
    ['no name', '', {}],
    ['a name with __', 'a__b', {}],
    ['a name whose tools another server has', 'The-First', {}],
    ['no address', 'x', { url: 'mcp.example' }],
    ['an address of another kind', 'x', { url: 'file:///etc/passwd' }],
    ['a password in its address', 'x', { url: 'https://me:secret@mcp.example' }],
    ['a time that no timer takes', 'x', { callTimeoutMs: 2 ** 31 }],
    ['a start that takes too long', 'x', { startupTimeoutMs: 60_001 }],
    ['no room for an answer', 'x', { maxResultBytes: 0 }],
  ])('with %s are refused', async (_, name, more) => {
    const url = 'https://mcp.example/mcp';
    const mcp = mcpServers({ servers: { 'the first': { url } } });
    await expect(mcp.attach(name, { url, ...more })).rejects.toMatchObject({
      code: 'InvalidInput',
      data: { path: expect.stringMatching(/^servers\./u) as string },
    });
    expect(mcp.status()).toHaveLength(1);
  });
});
