import type { Clock } from '../../contract/clock.ts';
import type { RuntimeEnvironment } from '../../contract/environment.ts';
import type { TurnActivity } from '../../core/event.ts';
import type { SessionMeta } from '../../core/policy.ts';
import type { SessionAttachmentStore } from '../portable/owned-attachments.ts';
import type { RuntimeOptions } from '../runtime-options.ts';
import type { SecretVault } from '../secrets.ts';
import type { OpenRuntime } from './child-runtime.ts';

/** The session whose children these are. */
export interface ParentSession {
  readonly environment: RuntimeEnvironment;
  /** What it was opened with: its children are opened with the same. */
  readonly options: RuntimeOptions;
  readonly meta: SessionMeta;
  readonly clock: Clock;
  readonly secrets: SecretVault;
  readonly attachments: SessionAttachmentStore;
  readonly open: OpenRuntime;
  /** Tells whoever follows the session. */
  readonly tell: (activity: TurnActivity) => void;
}
