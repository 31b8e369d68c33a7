import type { RuntimeEnvironment } from '../contract/environment.ts';
import type { Providers } from '../contract/provider.ts';
import type { Tool } from '../contract/tool.ts';
import type { JsonObject } from '../core/json.ts';
import { PROTOCOL_VERSION } from '../protocol/api.ts';
import { type HandshakeMessage, handshakeMessage } from '../protocol/handshake.ts';
import { holdLiveness } from '../protocol/liveness.ts';
import { RateLimits } from '../runtime/model/rate-limits.ts';
import { SecretVault } from '../runtime/secrets.ts';
import { Connection, type ConnectionHost, type ServedRuntime } from './connection.ts';
import type { HousekeepingOptions } from './maintenance.ts';

/** What a worker serves. */
export interface ServeOptions {
  /**
   * The environment, or a function that makes one from the plain `config` that the page passed to `connectRuntime`. It is
   * called once per connection; if it throws, connecting fails with that error.
   */
  readonly environment:
    | RuntimeEnvironment
    | ((config: JsonObject) => RuntimeEnvironment | Promise<RuntimeEnvironment>);
  /** The models, by the id that a session's policy names. */
  readonly providers: Providers;
  /** The tools of every session. A page may offer more. */
  readonly tools?: readonly Tool[];
  /** Secrets by name, for models that the host builds itself; redacted everywhere (law SE1). */
  readonly secrets?: Readonly<Record<string, string>>;
  /**
   * Whether the worker keeps house by itself, how often, and which branches it leaves alone; default: it does not. With it,
   * orphans older than `keep` are tombstoned and vacuumed and what nothing refers to is swept, by one tab at a time.
   */
  readonly housekeeping?: HousekeepingOptions;
}

/**
 * Serves the runtime to the page that made this worker. Call it once, while the worker's script runs: it listens before
 * it returns, and a script that waits for something first can still be connected to, since it says when it is ready
 * (law WB1). It holds a Web Lock for as long as the worker lives (law WB2), and tells connected pages of errors that
 * nobody caught.
 */
export function serveRuntime(options: ServeOptions): void {
  const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
  const served = servedBy(options);
  const connections = new Set<Connection>();
  const host: ConnectionHost = {
    ended: (connection) => connections.delete(connection),
    brought: () => {
      for (const connection of connections) connection.resumeTurns();
    },
  };
  const lock = holdLiveness(scope.navigator.locks, `lash-web.worker.${crypto.randomUUID()}`);
  const sayReady = async (): Promise<void> => {
    const ready: HandshakeMessage = { lash: 'ready', protocol: PROTOCOL_VERSION, lock: await lock };
    scope.postMessage(ready);
  };
  scope.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const message = handshakeMessage(data);
    if (message?.lash === 'hello') void sayReady();
    if (message?.lash === 'connect') {
      connections.add(new Connection(served, message, host));
    }
  });
  scope.addEventListener('online', () => host.brought());
  forwardUncaught(scope, connections);
  void sayReady();
}

function servedBy({
  environment,
  providers,
  tools = [],
  secrets = {},
  housekeeping,
}: ServeOptions): ServedRuntime {
  const vault = new SecretVault();
  for (const [name, secret] of Object.entries(secrets)) vault.set(name, secret);
  const environmentFor = async (config: JsonObject): Promise<RuntimeEnvironment> => {
    return typeof environment === 'function' ? await environment(config) : environment;
  };
  return { environmentFor, providers, tools, secrets: vault, rates: new RateLimits(), housekeeping };
}

/** Browsers tell a page little of a worker's uncaught error, and nothing of a rejection. */
function forwardUncaught(scope: DedicatedWorkerGlobalScope, connections: ReadonlySet<Connection>): void {
  const forward = (event: Event, error: unknown): void => {
    if (connections.size === 0) return;
    event.preventDefault();
    for (const connection of connections) connection.warn(error);
  };
  scope.addEventListener('error', (event) => forward(event, event.error ?? new Error(event.message)));
  scope.addEventListener('unhandledrejection', (event) => forward(event, event.reason));
}
