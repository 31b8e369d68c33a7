import type { CheckpointChange } from '../../contract/checkpoint.ts';
import type { Residency } from '../../contract/environment.ts';
import type { CommitBudget, SessionStore } from '../../contract/store.ts';
import type { TurnChange } from '../../contract/turn-store.ts';
import type { NodeDraft } from '../../core/node.ts';
import type { UsageEntry } from '../../core/usage.ts';
import type { Feed } from '../feed.ts';
import type { SessionAttachmentStore } from '../portable/owned-attachments.ts';
import type { SecretVault } from '../secrets.ts';

/** What a history stands on. */
export interface HistoryParts {
  readonly store: SessionStore;
  readonly attachments: SessionAttachmentStore;
  readonly budget: CommitBudget;
  readonly residency: Residency;
  /** How many bytes of nodes are held under `ActivePathOnly`. */
  readonly residentBytes: number;
  readonly secrets: SecretVault;
  readonly feed: Feed;
  /** Given: what is held and shown is the path to this node, wherever the leaf is (law ST6). */
  readonly soundLeaf?: string | null;
}

/** Nodes to append, under one name. */
export interface AppendRequest {
  readonly operationId: string;
  readonly parent: string | null;
  readonly nodes: readonly NodeDraft[];
  readonly usage: readonly UsageEntry[];
  readonly requires?: string;
  readonly durability?: 'strict';
  /** Whether it may have been done already by whoever asks: then that is what it comes to. */
  readonly repeat?: boolean;
  /** What the last of the commits says of a turn (law TU4). */
  readonly turn?: TurnChange;
  /** The checkpoint that the last of the commits writes. */
  readonly checkpoint?: CheckpointChange;
}

/** What a commit has besides its change. */
export type CommitOptions = Pick<AppendRequest, 'durability' | 'turn' | 'checkpoint' | 'repeat'>;

/** What was appended, and the leaf behind it. */
export interface Appended {
  readonly nodeIds: readonly string[];
  readonly leaf: string | null;
}
