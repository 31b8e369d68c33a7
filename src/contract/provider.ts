import type { JsonObject } from '../core/json.ts';
import type { ModelEvent } from '../core/model-event.ts';
import type { ModelRequest } from '../core/model-request.ts';

/** A model that can be called. It holds no session's state: any session may call it, also at the same time. */
export interface Provider {
  /** The model's name, as usage and trace show it. */
  readonly model: string;
  /** How many tokens a request may hold, if the provider knows. */
  readonly maxContextTokens?: number;
  /** Calls the model. */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
}

/** What a provider function is given: the session's choice, and a way to its secret. */
export interface ProviderContext {
  readonly model: string;
  readonly options: JsonObject;
  /** The secret that the policy's `credentials` names. @throws `CredentialsRequired` while it was not given. */
  readonly credential: () => Promise<string>;
}

/** A provider, or a function that makes one for a session's choice of model. */
export type ProviderSource = Provider | ((context: ProviderContext) => Provider | Promise<Provider>);

/** The providers of a worker, by the id that a session's policy names. */
export type Providers = Readonly<Record<string, ProviderSource>>;
