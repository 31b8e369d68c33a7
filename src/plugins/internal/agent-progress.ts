import type { TurnActivity } from '../../core/event.ts';
import type { TurnWait } from '../../core/turn-wait.ts';

/** How much of what an agent says last is shown, in characters. */
const SHOWN_CHARACTERS = 400;
/** How much more it says before that is shown, in characters. */
const SHOWN_EVERY = 40;

/** What is shown of an agent at work. Data, so that a page can show it inside its tool call. */
export interface AgentStatus {
  readonly agent: string;
  /** Its child session: `listSessions({ parent })` lists it, and it can be opened once the agent is done. */
  readonly sessionId: string;
  /** Model calls that were begun. */
  readonly steps: number;
  /** The tools that it runs. */
  readonly running: readonly string[];
  /** The end of what it says. */
  readonly text: string;
  /** What it, or an agent of its own, waits for that somebody has to bring. Approvals are given by `session.answer`. */
  readonly waits: readonly TurnWait[];
}

/** Follows an agent, and shows how far it is whenever there is something new to see. */
export class AgentProgress {
  readonly #show: (status: AgentStatus) => void;
  readonly #running = new Map<string, string>();
  /** What it waits for, and each agent of its own, by that one's session. */
  readonly #waits = new Map<string | undefined, readonly TurnWait[]>();
  #status: AgentStatus;
  #unseen = 0;

  constructor(agent: string, sessionId: string, show: (status: AgentStatus) => void) {
    this.#show = show;
    this.#status = { agent, sessionId, steps: 0, running: [], text: '', waits: [] };
    show(this.#status);
  }

  readonly hear = (activity: TurnActivity): void => {
    switch (activity.type) {
      case 'step-started':
        return this.#change({ steps: activity.step + 1, text: '' });
      case 'text-delta': {
        this.#unseen += activity.text.length;
        const text = `${this.#status.text}${activity.text}`.slice(-SHOWN_CHARACTERS);
        this.#status = { ...this.#status, text };
        if (this.#unseen >= SHOWN_EVERY) this.#change({});
        return;
      }
      case 'tool-started':
        this.#running.set(activity.callId, activity.tool);
        return this.#change({ running: [...this.#running.values()] });
      case 'tool-completed':
        this.#running.delete(activity.callId);
        return this.#change({ running: [...this.#running.values()] });
      case 'turn-waiting':
        this.#waits.set(activity.childSessionId, activity.waits);
        return this.#change({ waits: [...this.#waits.values()].flat() });
      default:
        return;
    }
  };

  #change(change: Partial<AgentStatus>): void {
    this.#unseen = 0;
    this.#status = { ...this.#status, ...change };
    this.#show(this.#status);
  }
}
