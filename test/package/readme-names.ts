/**
 * What a reader's program has when it comes to the README's shorter pieces of code: global names, so that a piece which
 * declares one itself goes before.
 */
export const READERS_NAMES = `
import type * as page from 'lash-web';
import type * as worker from 'lash-web/worker';
import type * as zod from 'zod/mini';

declare global {
  const client: page.RuntimeClient;
  const session: page.SessionClient;
  const sessionId: string;
  const turn: page.ClientTurn;
  const turnId: string;
  const before: string | null;
  const question: page.SessionNode;
  const answer: page.SessionNode;
  let cursor: string | undefined;
  function show(view: page.SessionView): void;
  function apply(event: page.SessionEvent): void;
  const file: Blob;

  const definePlugin: typeof worker.definePlugin;
  const PluginHost: typeof worker.PluginHost;
  const RuntimeEnvironment: typeof worker.RuntimeEnvironment;
  const defineTool: typeof worker.defineTool;
  const toolFailure: typeof worker.toolFailure;
  const toolResult: typeof worker.toolResult;
  const z: typeof zod;
  function plot(formula: string): Promise<Blob>;
  function readToken(): Promise<string>;
  function planPlugin(): worker.Plugin;
  function test(name: string, run: () => Promise<void>): void;
}
`;
