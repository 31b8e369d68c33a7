import type { SessionStore } from '../contract/store.ts';
import type { SessionMeta, SessionPolicy } from '../core/policy.ts';
import type { SessionParts } from './model/model-caller.ts';
import { checkPolicy } from './policy-check.ts';

/** What settings stand on. */
type SettingsParts = Pick<SessionParts, 'feed' | 'secrets' | 'clock' | 'plugins'>;

/** A session's title and policy, as its runtime has them: they follow what is stored. */
export class SessionSettings {
  readonly #store: SessionStore;
  readonly #parts: SettingsParts;
  #meta: SessionMeta;

  constructor(store: SessionStore, parts: SettingsParts, meta: SessionMeta) {
    this.#store = store;
    this.#parts = parts;
    this.#meta = meta;
  }

  /** What the session is run with from the next turn on. */
  get policy(): SessionPolicy {
    return this.#meta.policy;
  }

  /** @throws `InvalidInput`, `NotData` */
  async setPolicy(patch: Partial<SessionPolicy>): Promise<void> {
    const { secrets, clock } = this.#parts;
    // Another tab may have changed it, and this one may not have heard.
    const stored = await this.#store.loadSessionMeta();
    const asked = checkPolicy({ ...stored.policy, ...patch });
    const changed = (await this.#parts.plugins?.changePolicy(asked, stored.policy)) ?? asked;
    const policy = secrets.redactJson(changed);
    this.#show(await this.#store.saveSessionMeta({ policy, at: clock.now() }));
  }

  async rename(title: string): Promise<void> {
    const { secrets, clock } = this.#parts;
    this.#show(await this.#store.saveSessionMeta({ title: secrets.redactText(title), at: clock.now() }));
  }

  /** Takes over what another tab stored. */
  async reload(): Promise<void> {
    this.#show(await this.#store.loadSessionMeta());
  }

  #show(meta: SessionMeta): void {
    const { title } = this.#meta;
    this.#meta = meta;
    if (meta.title !== title) this.#parts.feed.emit({ type: 'title-changed', title: meta.title });
  }
}
