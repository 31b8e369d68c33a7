import { type ConnectOptions, RuntimeClient, type WorkerSource } from './runtime-client.ts';

/**
 * Connects this page to the runtime in a worker, and resolves when the worker's environment is built. `config` is handed
 * to the worker's environment function. A worker that is given as a function is made here, made again by `reconnect`, and
 * ended by `close`; a worker that is given as an object stays the caller's.
 *
 * @throws `WorkerLoadFailed` when the worker's script fails, or says nothing for `readyTimeoutMs` (default 10,000): the
 *   error names the usual causes (law WB1). `ProtocolMismatch`, `WorkerLost`, `NotData` for the config, and what building
 *   the environment threw.
 */
export async function connectRuntime(
  worker: WorkerSource,
  options: ConnectOptions = {},
): Promise<RuntimeClient> {
  return await RuntimeClient.connect(worker, options);
}
