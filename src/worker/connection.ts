import type { RuntimeEnvironment } from '../contract/environment.ts';
import { loadModule } from '../contract/load-module.ts';
import type { Providers } from '../contract/provider.ts';
import { type Tool, toolSpec } from '../contract/tool.ts';
import { LashError, toWireError, type WireError } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';
import type { CallName, CallResult } from '../protocol/api.ts';
import { EventSender } from '../protocol/event-channel.ts';
import type { ConnectMessage } from '../protocol/handshake.ts';
import { type Answer, outcomeOf } from '../protocol/wire.ts';
import { deleteOptions } from '../runtime/delete-options.ts';
import type { RateLimits } from '../runtime/model/rate-limits.ts';
import type { SecretVault } from '../runtime/secrets.ts';
import { callHandlers, type CallHandlers } from './call-handlers.ts';
import { exposeCalls } from './expose-calls.ts';
import type { HousekeepingOptions, Maintenance } from './maintenance.ts';
import { PageOffers } from './page-offers.ts';
import { CALL_SCHEMAS } from './schema/calls.ts';
import { SessionTable } from './session-table.ts';

/** What a worker serves to every page that connects. */
export interface ServedRuntime {
  readonly environmentFor: (config: JsonObject) => Promise<RuntimeEnvironment>;
  readonly providers: Providers;
  readonly tools: readonly Tool[];
  readonly secrets: SecretVault;
  readonly rates: RateLimits;
  readonly housekeeping: HousekeepingOptions | undefined;
}

/** What a connection tells the worker. */
export interface ConnectionHost {
  /** The page has disconnected. */
  ended(connection: Connection): void;
  /** Something was brought that a turn of any page may wait for. */
  brought(): void;
}

/**
 * One page's connection: its environment, its sessions, and the two ports to it. The environment is built and the tools
 * are looked at when the connection is made; if that fails, every call of the connection fails with what it threw.
 */
export class Connection {
  readonly #channel: EventSender;
  readonly #secrets: SecretVault;
  readonly #handlers: Promise<CallHandlers>;
  readonly #host: ConnectionHost;
  readonly #sessions: SessionTable;
  readonly #over = new AbortController();
  #unwatch: (() => void) | undefined;

  constructor(served: ServedRuntime, message: ConnectMessage, host: ConnectionHost) {
    const { providers, tools, secrets, rates } = served;
    const channel = new EventSender(message.events);
    const offers = new PageOffers(channel);
    const resources = {
      providers: () => ({ ...providers, ...offers.providers }),
      tools: () => [...tools, ...offers.tools],
      secrets,
      rates,
    };
    const sessions = new SessionTable(resources, channel);
    const toolNames = tools.map(({ name }) => name);
    const providerIds = Object.keys(providers);
    this.#channel = channel;
    this.#secrets = secrets;
    this.#sessions = sessions;
    this.#host = host;
    this.#handlers = Promise.all([served.environmentFor(message.config), ...tools.map(toolSpec)]).then(
      ([environment]) => {
        const maintenance = async (): Promise<Maintenance> => await this.#maintenance(environment);
        this.#keepHouse(environment, maintenance, served.housekeeping);
        const brought = (): void => host.brought();
        const own = { toolNames, providerIds };
        return callHandlers({ environment, sessions, offers, secrets, maintenance, ...own, brought });
      },
    );
    // Whoever calls hears of it; the page's first call is always waiting.
    this.#handlers.catch(() => undefined);
    exposeCalls(message.calls, Object.keys(CALL_SCHEMAS) as CallName[], (name, request) =>
      this.#answer(name, request),
    );
  }

  /** Tells the page of an error that nobody caught. */
  warn(error: unknown): void {
    this.#channel.push({ kind: 'warning', error: this.#wireError(error) });
  }

  /** Something was brought that turns may wait for. */
  resumeTurns(): void {
    this.#sessions.resumeTurns();
  }

  async #answer<Name extends CallName>(name: Name, request: unknown): Promise<Answer<CallResult<Name>>> {
    const outcome = await outcomeOf(this.#handle(name, request));
    const seen = this.#channel.last;
    this.#channel.flush();
    if (name === 'disconnect') this.#end();
    return { outcome: outcome.ok ? outcome : { ok: false, error: this.#redacted(outcome.error) }, seen };
  }

  async #handle<Name extends CallName>(name: Name, request: unknown): Promise<CallResult<Name>> {
    const checked = CALL_SCHEMAS[name].safeParse(request);
    if (!checked.success) {
      const { firstProblem } = await loadModule('problem', import('./problem.ts'));
      const { path, reason } = firstProblem(checked.error, name);
      throw new LashError('InvalidInput', `${path} ${reason}`, { path, reason });
    }
    // The environment may take its time.
    if (name === 'ping') return undefined as CallResult<Name>;
    const handlers = await this.#handlers;
    return await handlers[name](checked.data);
  }

  /** Finishes what an earlier worker left half deleted, and keeps house if the host wants it. */
  #keepHouse(
    environment: RuntimeEnvironment,
    maintenance: () => Promise<Maintenance>,
    housekeeping: HousekeepingOptions | undefined,
  ): void {
    const warn = (error: unknown): void => this.warn(error);
    environment.sessionStoreFactory.finishDeletions(deleteOptions(environment)).catch(warn);
    const keepHouse = async (options: HousekeepingOptions): Promise<void> =>
      await (await maintenance()).schedule(options, warn);
    if (housekeeping !== undefined) keepHouse(housekeeping).catch(warn);
    this.#unwatch = environment.sessionStoreFactory.onEvent?.((event) =>
      this.#channel.push({ kind: 'database', event }),
    );
  }

  async #maintenance(environment: RuntimeEnvironment): Promise<Maintenance> {
    const module = await loadModule('maintenance', import('./maintenance.ts'));
    return new module.Maintenance(environment, this.#sessions, this.#over.signal);
  }

  #end(): void {
    this.#unwatch?.();
    this.#over.abort();
    this.#host.ended(this);
  }

  #wireError(error: unknown): WireError {
    return this.#redacted(toWireError(error));
  }

  #redacted(error: WireError): WireError {
    return this.#secrets.redactJson(error);
  }
}
