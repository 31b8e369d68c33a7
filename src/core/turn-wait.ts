import type { JsonValue } from './json.ts';

/**
 * What a turn waits for that only somebody else can bring. A turn that waits is stored, and holds nothing (law TU11).
 * Whoever brings it makes the turn go on, in whichever tab.
 */
export type TurnWait = WaitReason & {
  /** The child session that waits, where it is not the session itself. It goes on when that is brought here, as for its parent. */
  readonly childSessionId?: string;
};

type WaitReason =
  /** A person, or the host, decides whether the tool may run: `answer(requestId, decision)`. */
  | {
      readonly kind: 'approval';
      readonly requestId: string;
      readonly callId: string;
      readonly tool: string;
      readonly args: JsonValue;
    }
  /** A page that offers the tool. Only a call waits for one that never started, or that may run again. */
  | { readonly kind: 'page-tool'; readonly callId: string; readonly tool: string }
  /** A page that offers the provider, or a worker that has it. Only a turn that has begun waits for one. */
  | { readonly kind: 'provider'; readonly provider: string }
  /** `setCredentials(name, …)`, in the worker that is to go on. */
  | { readonly kind: 'credentials'; readonly name: string }
  /** A connection to the network. */
  | { readonly kind: 'offline' }
  /** The time that a provider named, in Unix milliseconds. */
  | { readonly kind: 'rate-limit'; readonly until: number }
  /** Storage that takes the turn's next commit: `code` says what the last one met. It is in memory only. */
  | { readonly kind: 'storage'; readonly code: string };

/** What an approval is answered with. The reason of a refusal is told to the model. */
export type ApprovalDecision =
  | { readonly approve: true }
  | { readonly approve: false; readonly reason?: string };
