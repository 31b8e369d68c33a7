import { mcpServers } from 'lash-web/plugins/mcp';
import {
  InMemoryAttachmentStore,
  InMemorySessionStoreFactory,
  LashRuntime,
  PluginHost,
  RuntimeEnvironment,
} from 'lash-web/worker';
import { config } from 'zod/mini';

import { obedient } from './obedient.ts';

// The official client has schemas of the full zod, which would look whether it may use `eval`.
config({ jitless: true });

const violations: string[] = [];
self.addEventListener('securitypolicyviolation', (event) => {
  violations.push((event as SecurityPolicyViolationEvent).violatedDirective);
});

/** Runs a turn that calls a tool of the server, and says what came of it and what the policy refused. */
async function run(url: string): Promise<unknown> {
  const mcp = mcpServers({ servers: { s: { url } } });
  const environment = RuntimeEnvironment.builder()
    .withSessionStoreFactory(new InMemorySessionStoreFactory())
    .withAttachmentStore(new InMemoryAttachmentStore())
    .withPluginHost(new PluginHost([mcp.plugin]))
    .build();
  const runtime = await LashRuntime.open(environment, {
    mode: 'create',
    policy: { provider: { id: 'fake', model: 'fake' } },
    providers: { fake: obedient() },
  });
  const call = { tool: 'mcp__s__echo', args: { text: 'hi' } };
  const { status } = await runtime.turn(JSON.stringify(call)).result;
  const outcomes = runtime
    .view()
    .window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));
  await runtime.close();
  return { status, outcomes, violations };
}

/** Whether the policy holds here. */
function mayEval(): boolean {
  try {
    // oxlint-disable-next-line no-implied-eval, no-new-func
    return typeof new Function('return 1') === 'function';
  } catch {
    return false;
  }
}

self.onmessage = ({ data: { id, args } }: MessageEvent<{ id: number; args: readonly [string] }>) => {
  run(args[0]).then(
    (value) => self.postMessage({ id, value: { ...(value as object), mayEval: mayEval() } }),
    (error: unknown) => self.postMessage({ id, error: String(error) }),
  );
};
