import type { BrowserCommand } from 'vitest/node';

import { WireServer } from '../providers/wire-server.ts';
import type { WireFault } from '../providers/wires.ts';

/** By the engine whose tests they serve: several may run at a time. */
const servers = new Map<string, Promise<WireServer>>();

/** For tests in a page: the address of a model server of its own. It starts when it is first asked for. */
export const modelServerUrl: BrowserCommand<[fault?: WireFault]> = async (
  { project },
  fault,
): Promise<string> => {
  const server = servers.get(project.name) ?? WireServer.start();
  servers.set(project.name, server);
  return (await server).url(fault);
};

/** For tests in a page: stops what serves them. */
export const stopModelServer: BrowserCommand = async ({ project }): Promise<void> => {
  const server = servers.get(project.name);
  servers.delete(project.name);
  await (await server)?.stop();
};
