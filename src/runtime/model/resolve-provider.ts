import type { Provider, Providers } from '../../contract/provider.ts';
import { LashError } from '../../core/error.ts';
import type { ProviderChoice } from '../../core/policy.ts';
import type { SecretVault } from '../secrets.ts';

/** Whether there is a provider of this id. */
export function hasProvider(providers: Providers, id: string): boolean {
  return Object.hasOwn(providers, id);
}

/** The provider that a policy chooses. @throws `ProviderNotFound`, `CredentialsRequired`, whatever its function throws */
export async function resolveProvider(
  providers: Providers,
  choice: ProviderChoice,
  secrets: SecretVault,
): Promise<Provider> {
  const source = hasProvider(providers, choice.id) ? providers[choice.id] : undefined;
  if (source === undefined) {
    const data = { providerId: choice.id };
    throw new LashError('ProviderNotFound', `There is no provider called ${choice.id} here`, data);
  }
  if (typeof source !== 'function') return source;
  return await source({
    model: choice.model,
    options: choice.options ?? {},
    credential: async () => await Promise.resolve(secrets.credential(choice.credentials ?? choice.id)),
  });
}
