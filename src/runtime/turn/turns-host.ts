import type { SessionPolicy } from '../../core/policy.ts';
import type { SessionView } from '../../core/view.ts';
import type { InOrder } from '../in-order.ts';
import type { SessionParts } from '../model/model-caller.ts';
import type { SessionTabs } from '../tabs/session-tabs.ts';

/** What a session's turns need from the runtime. */
export interface TurnsHost {
  readonly parts: SessionParts;
  /** What becomes of a turn that nobody runs; `leave`: it is not for this runtime to write. */
  readonly unfinished: 'go-on' | 'ask' | 'leave';
  /** The writes of the host, none of which may happen during a turn. */
  readonly writes: InOrder;
  policy(): SessionPolicy;
  view(): SessionView;
  tabs(): SessionTabs;
}
