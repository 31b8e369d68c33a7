import type { SessionPolicy } from 'lash-web';

import { CHROME } from './chrome-model.ts';

/** The model that a chat talks to, as the settings show it. A key is not part of it: keys are never stored. */
export interface ModelChoice {
  readonly provider: 'builtin' | 'chrome' | 'openai-compatible';
  readonly baseUrl: string;
  readonly model: string;
  /** How many tokens the model reads at most; empty when the person does not say. */
  readonly contextTokens: string;
}

/** Servers that run on the same machine, by the address at which they listen unless told otherwise. */
export const PRESETS: readonly { readonly name: string; readonly baseUrl: string }[] = [
  { name: 'Ollama', baseUrl: 'http://localhost:11434/v1' },
  { name: 'LM Studio', baseUrl: 'http://localhost:1234/v1' },
];

/** What a first visit starts with. */
export const BUILTIN: ModelChoice = { provider: 'builtin', baseUrl: '', model: '', contextTokens: '' };

const KEY = 'lash-demo.model';

/** The choice for new chats: the one that was saved last. */
export function lastChoice(): ModelChoice {
  const stored = localStorage.getItem(KEY);
  return stored === null ? BUILTIN : { ...BUILTIN, ...(JSON.parse(stored) as Partial<ModelChoice>) };
}

/** Keeps `choice` for new chats. */
export function keepChoice(choice: ModelChoice): void {
  localStorage.setItem(KEY, JSON.stringify(choice));
}

/** The policy that says the same as `choice`. `credentials` is the name of the key, if there is one. */
export function policyOf(choice: ModelChoice, credentials: string | undefined): SessionPolicy {
  if (choice.provider === 'builtin') return { provider: { id: 'builtin', model: 'builtin' } };
  if (choice.provider === 'chrome') return { provider: { id: CHROME, model: 'chrome' } };
  const contextTokens = Number(choice.contextTokens);
  return {
    provider: {
      id: choice.provider,
      model: choice.model,
      options: { baseUrl: choice.baseUrl, withKey: credentials !== undefined },
      ...(credentials === undefined ? {} : { credentials }),
    },
    ...(contextTokens > 0 ? { maxContextTokens: contextTokens } : {}),
    whenOffline: 'wait',
  };
}

/** The choice that `policy` was made from. */
export function choiceOf(policy: SessionPolicy | undefined): ModelChoice {
  if (policy?.provider.id === CHROME) return { ...BUILTIN, provider: 'chrome' };
  if (policy?.provider.id !== 'openai-compatible') return BUILTIN;
  const { id, model, options } = policy.provider;
  const baseUrl = options?.['baseUrl'];
  return {
    provider: id,
    baseUrl: typeof baseUrl === 'string' ? baseUrl : '',
    model,
    contextTokens: policy.maxContextTokens === undefined ? '' : String(policy.maxContextTokens),
  };
}

/** The name under which the key for a server is known. By origin, so that no server is ever sent another one's key. */
export function credentialsName(baseUrl: string): string {
  return `openai-compatible@${new URL(baseUrl).origin}`;
}

/** What the header calls the model. */
export function modelLabel(choice: ModelChoice): string {
  if (choice.provider === 'builtin') return 'Built-in model';
  if (choice.provider === 'chrome') return 'Chrome’s own model';
  return URL.canParse(choice.baseUrl) ? `${choice.model} · ${new URL(choice.baseUrl).host}` : choice.model;
}
