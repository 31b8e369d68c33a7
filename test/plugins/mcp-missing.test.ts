import { expect, it, vi } from 'vitest';

import { McpSession, startServer } from './mcp-support.ts';

vi.mock('@modelcontextprotocol/client', () => {
  throw new Error('Cannot find package');
});

it('[MC2] without the official client there are no tools, the status says what to install, and the turns go on', async () => {
  const server = await startServer();
  const session = await McpSession.open({ servers: { s: { url: server.url } } });
  expect(await session.talk()).toEqual([]);
  expect(session.mcp.status()).toMatchObject([
    {
      state: 'failed',
      problem: {
        code: 'ModuleLoadFailed',
        message: expect.stringContaining('need the package @modelcontextprotocol/client') as string,
      },
    },
  ]);
});
