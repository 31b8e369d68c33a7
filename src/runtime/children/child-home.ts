import type { ChildCall, EndedTurn } from './child-call.ts';
import { ChildCalls } from './child-calls.ts';
import { ChildEngine } from './child-engine.ts';
import { HandOffs } from './hand-offs.ts';
import { LeftChildren } from './left-children.ts';
import type { ParentSession } from './parent-session.ts';

/** All that one session needs for its child sessions. It is loaded with the first one. */
export class ChildHome {
  readonly #engine: ChildEngine;
  readonly #handOffs: HandOffs;
  readonly #left: LeftChildren;

  constructor(parent: ParentSession) {
    this.#engine = new ChildEngine(parent);
    this.#handOffs = new HandOffs(this.#engine);
    this.#left = new LeftChildren(this.#engine);
  }

  of(call: ChildCall): ChildCalls {
    return new ChildCalls({ engine: this.#engine, handOffs: this.#handOffs, left: this.#left }, call);
  }

  async settle(ended: EndedTurn): Promise<void> {
    await this.#handOffs.settle(ended);
  }

  resumeTurns(): void {
    this.#engine.resumeTurns();
  }

  async closed(): Promise<void> {
    await this.#engine.closed();
  }
}
