import { readdirSync, readFileSync } from 'node:fs';

import { afterEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';

import { loadModule } from '../../src/contract/load-module.ts';
import { toolSpec } from '../../src/contract/tool.ts';
import { toWireError } from '../../src/core/error.ts';
import { defineTool } from '../../src/worker/define-tool.ts';
import { openWith, plays, policy } from '../runtime/support.ts';

const SCHEMA_MODULE = '../../src/worker/zod-json-schema.ts';
const ENGINE_MODULE = '../../src/runtime/turn/turn-engine.ts';

/** From now on this module cannot be loaded. */
function takeAway(module: string): void {
  vi.doMock(module, () => {
    throw new TypeError('Failed to fetch');
  });
}

afterEach(() => {
  vi.doUnmock(SCHEMA_MODULE);
  vi.doUnmock(ENGINE_MODULE);
  vi.resetModules();
});

describe('a module that is loaded when it is needed', () => {
  it('[WB3] that cannot be loaded is ModuleLoadFailed, with its name and what the browser said', async () => {
    const offline = new TypeError('Importing a module script failed.');
    const failed = loadModule('turn-engine', Promise.reject(offline));
    const error = await failed.catch((reason: unknown) => reason);
    expect(toWireError(error)).toMatchObject({
      code: 'ModuleLoadFailed',
      data: { module: 'turn-engine' },
      retryable: true,
      cause: { name: 'TypeError', message: 'Importing a module script failed.' },
    });
    expect(await loadModule('json', Promise.resolve({ value: 1 }))).toEqual({ value: 1 });
  });

  it('[WB3] keeps a turn from beginning, and the next one begins', async () => {
    const { runtime } = await openWith(plays([]), { policy });
    takeAway(ENGINE_MODULE);
    vi.resetModules();
    const refused = runtime.turn('hi');
    await expect(refused.accepted).rejects.toMatchObject({
      code: 'ModuleLoadFailed',
      data: { module: 'turn-engine' },
    });
    expect(runtime.view()).toMatchObject({ turn: null, writer: 'nobody' });
    vi.doUnmock(ENGINE_MODULE);
    vi.resetModules();
    await runtime.turn('hi').accepted;
    await runtime.close();
  });

  it('[WB3] is asked for again when a tool’s schema is needed again', async () => {
    const tool = defineTool({
      name: 'look',
      description: 'looks',
      input: z.object({}),
      execute: () => null,
    });
    takeAway(SCHEMA_MODULE);
    await expect(toolSpec(tool)).rejects.toMatchObject({ code: 'ModuleLoadFailed' });
    vi.doUnmock(SCHEMA_MODULE);
    vi.resetModules();
    expect((await toolSpec(tool)).inputSchema).toMatchObject({ type: 'object' });
  });

  it('[WB3] is loaded by nothing else than loadModule', () => {
    const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.startsWith('demo'))
      .map((path) => ({ path, text: readFileSync(`src/${path}`, 'utf8') }));
    const bare = sources.filter(({ text }) => /(?<!loadModule\(\s*'[\w-]+',\s*)\bimport\(\s*'/u.test(text));
    expect(bare.map(({ path }) => path)).toEqual([]);
  });
});
