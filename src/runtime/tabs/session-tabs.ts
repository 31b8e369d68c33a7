import type { SessionLeases, SessionNotice } from '../../contract/lease.ts';
import type { SessionStore } from '../../contract/store.ts';
import { isLashError, type LashError } from '../../core/error.ts';
import type { SessionEvent, SessionWriter, TurnActivity } from '../../core/event.ts';
import type { LiveTurn } from '../../core/live-turn.ts';
import type { SessionView } from '../../core/view.ts';
import type { Feed } from '../feed.ts';
import type { History } from '../history/history.ts';
import type { SessionParts } from '../model/model-caller.ts';
import { ActivityRelay } from './activity-relay.ts';
import { fenced } from './fenced.ts';
import { FollowedTurn } from './followed-turn.ts';
import { WriterSeat } from './writer-seat.ts';

/** The session that its tabs share. */
export interface SharedSession {
  readonly store: SessionStore;
  readonly lingerMs: number;
  readonly parts: Pick<SessionParts, 'environment' | 'clock' | 'history' | 'feed'>;
}

/** What a runtime does for its tabs. */
export interface TabHost {
  view(): SessionView;
  /** The turn that runs here. */
  runningTurn(): string | null;
  /** Loads title and policy again. */
  loadMeta(): Promise<void>;
  /** Leaves the running turn to whoever writes now, and resolves when it writes no more here. */
  leaveTurn(error: LashError): Promise<void>;
  /** Something was stored for the session's turns: shows how a turn ended that is over, and what is queued. */
  turnsChanged(): Promise<void>;
  /** Nobody holds the lease any more. */
  nobodyWrites(): void;
  /** Every further call is answered with this error. */
  end(error: LashError): void;
}

/**
 * What this runtime and those of the same session in other tabs tell each other.
 *
 * - FO1 A notice is a hint: what is committed is read from the store (law LE3), and never keeps a write waiting.
 * - FO2 A turn that runs elsewhere is shown as it runs. Notices are handled in order, so that what streams is shown
 *   behind what is committed. It ends for this tab when it is stored as ended, whoever ended it.
 * - FO3 Whoever holds the lease believes no other writer's activity.
 * - FO4 What one tab commits, the others hear of; what its turn shows is published only while somebody follows.
 * - FO5 A turn of another tab of which nothing is heard is asked about, and who runs it answers. If nobody does, what is
 *   stored tells whether it is over; if it is not and nobody writes, it is gone on with.
 */
export class SessionTabs {
  readonly #leases: SessionLeases;
  readonly #store: SessionStore;
  readonly #history: History;
  readonly #feed: Feed;
  readonly #host: TabHost;
  readonly #seat: WriterSeat;
  readonly #relay: ActivityRelay;
  readonly #followed: FollowedTurn;
  readonly #stop: () => void;
  #inbox: Promise<void> = Promise.resolve();
  /** Set while the feed is told what happens elsewhere. */
  #fromElsewhere = false;
  /** How the last turn that ran here ended. */
  #ended: TurnActivity | null = null;
  /** The last turn that was heard to end elsewhere: what is still heard of it comes late. */
  #heardEnd: string | null = null;
  /** Whether something happened elsewhere that was not looked at, since a turn ran here. */
  #missed = false;
  #closed = false;

  constructor({ store, lingerMs, parts }: SharedSession, host: TabHost) {
    const { environment, clock, history, feed } = parts;
    const { leases } = environment.sessionStoreFactory;
    const { sessionId } = store;
    this.#leases = leases;
    this.#store = store;
    this.#history = history;
    this.#feed = feed;
    this.#host = host;
    this.#relay = new ActivityRelay(clock, this.#publish);
    this.#followed = new FollowedTurn({
      clock,
      ask: () => this.#publish({ kind: 'following' }),
      giveUp: () => this.#enqueue(() => this.#giveUp()),
    });
    this.#seat = new WriterSeat({
      sessionId,
      leases,
      clock,
      lingerMs,
      prepare: (gone) => history.prepareToWrite(gone),
      probe: () => store.load({ kind: 'head' }),
      publish: this.#publish,
      onWriter: (writer, rests) => this.#onWriter(writer, rests),
      onLost: () => this.#onLost(),
      fenced: () => this.#fenced(),
    });
    const stops = [leases.subscribe(sessionId, this.#hear), feed.subscribe((event) => this.#observe(event))];
    this.#stop = () => stops.forEach((stop) => stop());
  }

  /** Looks who writes, catches up with them, and asks to be shown the turn that runs there, if there is one. */
  async begin(): Promise<void> {
    // What was written between reading the session and hearing of it was told to nobody here.
    await this.#look();
  }

  /**
   * Takes the lease for a turn and prepares to write; resolves with the error if another tab is in a turn.
   *
   * @throws as {@link WriterSeat.enter}
   */
  async enter(turnId: string): Promise<LashError | null> {
    try {
      await this.#seat.enter({ turnId });
      return null;
    } catch (error) {
      this.#seat.leave();
      if (isLashError(error, 'SessionHeldElsewhere')) return error;
      throw error;
    }
  }

  /** Whether the lease is here. */
  get isWriter(): boolean {
    return this.#seat.held;
  }

  /** The turn is over, or was refused. */
  leave(): void {
    this.#seat.leave();
  }

  /** Runs a short write under the lease. @throws as {@link WriterSeat.enter} */
  async write<T>(force: boolean, work: () => Promise<T>): Promise<T> {
    try {
      await this.#seat.enter({ turnId: null, force });
      return await work();
    } finally {
      this.#seat.leave();
    }
  }

  /** Gives the lease up unless a turn runs: what a page asks for when it is hidden or about to be frozen. */
  rest(): void {
    this.#seat.rest();
  }

  /** Whatever happened while this tab could not run is caught up with, before anything is written. */
  async wake(): Promise<void> {
    if (this.#seat.writer === 'here' && this.#host.runningTurn() !== null) {
      const { epoch } = await this.#store.load({ kind: 'head' });
      const own = this.#history.epoch;
      if (epoch !== own) await this.#host.leaveTurn(fenced(own, epoch));
    }
    await this.#look();
  }

  /** Tells the other tabs that something of the session changed which no event of the feed tells. */
  announce(
    notice: Extract<SessionNotice, { readonly kind: 'changed' | 'meta-changed' | 'turns-changed' }>,
  ): void {
    this.#publish(notice);
  }

  /** Tells the feed what happened elsewhere, and the other tabs nothing. */
  tell(event: SessionEvent): void {
    this.#fromElsewhere = true;
    this.#feed.emit(event);
    this.#fromElsewhere = false;
    if (this.#host.view().turn === null) this.#followed.end();
  }

  /** Gives the lease up and hears nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stop();
    this.#relay.flush();
    await this.#seat.close();
    await this.#inbox;
    this.#followed.end();
  }

  readonly #publish = (notice: SessionNotice): void => {
    this.#leases.publish(this.#store.sessionId, notice, this.#hear);
  };

  readonly #hear = (notice: SessionNotice): void => {
    if (notice.kind === 'wanted') return this.#seat.answer();
    if (notice.kind !== 'following') return this.#enqueue(() => this.#handle(notice));
    const { turn } = this.#host.view();
    if (turn !== null && turn.turnId === this.#host.runningTurn()) this.#relay.show(turn);
    else if (this.#ended !== null) this.#publish({ kind: 'activity', activity: [this.#ended] });
  };

  #enqueue(work: () => Promise<void>): void {
    this.#inbox = this.#inbox.then(async () => {
      if (this.#closed) return;
      try {
        await work();
      } catch (error) {
        // What cannot be read now is read at the next notice, or before the next write, which tells its caller.
        if (isLashError(error, 'SessionDeleted')) await this.#end(error);
      }
    });
  }

  async #handle(notice: SessionNotice): Promise<void> {
    switch (notice.kind) {
      case 'changed':
        await this.#catchUp();
        break;
      case 'meta-changed':
        return await this.#host.loadMeta();
      case 'turns-changed':
        return await this.#host.turnsChanged();
      case 'deleted':
        await this.#store.load({ kind: 'head' });
        return;
      case 'turn':
        await this.#join(notice.turn);
        break;
      case 'activity':
        await this.#follow(notice.activity);
        break;
      case 'tasks-changed':
        return;
      default:
        return await this.#seat.look();
    }
    if (this.#seat.writer === 'nobody') await this.#seat.look();
  }

  /** Finds out what was not heard. */
  async #look(): Promise<void> {
    this.#enqueue(async () => {
      await this.#seat.look();
      await this.#catchUp();
      await this.#host.turnsChanged();
      await this.#host.loadMeta();
    });
    this.#publish({ kind: 'following' });
    await this.#inbox;
  }

  /** What happened elsewhere while a turn was about to run here that then did not. */
  catchUp(): void {
    if (this.#missed) this.#enqueue(async () => await this.#catchUp());
  }

  /** A running turn finds out by its own next commit. */
  async #catchUp(): Promise<void> {
    this.#missed = this.#host.runningTurn() !== null;
    if (!this.#missed) await this.#history.follow();
  }

  /** Whether what is heard of this turn counts (FO3). One of the same name that is about to run here is another one. */
  #believes(turnId: string): boolean {
    return !this.#seat.held && turnId !== this.#host.runningTurn();
  }

  /** Shows what a turn that runs elsewhere shows so far. */
  async #join(turn: LiveTurn): Promise<void> {
    if (!this.#believes(turn.turnId) || turn.turnId === this.#heardEnd) return;
    await this.#forsakeBefore(turn.turnId);
    this.#followed.hear();
    const same = JSON.stringify(turn) === JSON.stringify(this.#host.view().turn);
    if (!same) this.tell({ type: 'turn-joined', turn });
  }

  /** Shows what happens in a turn that runs elsewhere. */
  async #follow(activity: readonly TurnActivity[]): Promise<void> {
    let unseen = false;
    for (const event of activity) {
      const { type, turnId } = event;
      if (!this.#believes(turnId)) continue;
      const began = type === 'turn-started';
      if (began) await this.#forsakeBefore(turnId);
      const shown = began || this.#host.view().turn?.turnId === turnId;
      if (shown) {
        this.#followed.hear();
        this.tell(event);
      }
      // A turn that was refused may begin again under its name.
      if (began) this.#heardEnd = null;
      if (type === 'turn-finished') this.#heardEnd = turnId;
      unseen ||= began || (!shown && turnId !== this.#heardEnd);
    }
    if (unseen) this.#publish({ kind: 'following' });
  }

  #observe(event: SessionEvent): void {
    if (this.#fromElsewhere) return;
    switch (event.type) {
      case 'nodes-committed':
      case 'head-changed':
      case 'path-changed':
        if (!this.#seat.held) return;
        this.#relay.flush();
        return this.#publish({ kind: 'changed' });
      case 'branches-changed':
      case 'title-changed':
      case 'queue-changed':
      case 'turn-joined':
      case 'writer-changed':
      case 'plugins-changed':
      case 'task-changed':
      case 'session-deleted':
        return;
      case 'turn-finished':
        this.#ended = event;
        return this.#relay.add(event);
      default:
        this.#relay.add(event);
    }
  }

  #onWriter(writer: SessionWriter, rests: boolean): void {
    this.tell({ type: 'writer-changed', writer });
    if (writer === 'nobody' && !rests) this.#enqueue(() => this.#giveUp());
  }

  /** Nobody answers for the turn that is shown, or nobody writes: what is stored tells the rest (FO5). */
  async #giveUp(): Promise<void> {
    await this.#seat.look();
    await this.#catchUp();
    await this.#host.turnsChanged();
    if (this.#seat.writer === 'nobody') this.#host.nobodyWrites();
  }

  /** Another turn shows: one that is shown and ran elsewhere is over. */
  async #forsakeBefore(turnId: string): Promise<void> {
    const shown = this.#host.view().turn?.turnId ?? turnId;
    if (shown === turnId || shown === this.#host.runningTurn()) return;
    await this.#catchUp();
    await this.#host.turnsChanged();
  }

  #onLost(): void {
    const stopped = this.#host.leaveTurn(this.#fenced());
    this.#enqueue(async () => {
      await stopped;
      this.#publish({ kind: 'following' });
      await this.#catchUp();
    });
  }

  /** Whoever took the lease writes with a greater epoch than ours. */
  #fenced(): LashError {
    const { epoch } = this.#history;
    return fenced(epoch, epoch + 1);
  }

  async #end(error: LashError): Promise<void> {
    this.#closed = true;
    this.#host.end(error);
    await this.#host.leaveTurn(error);
    this.#stop();
    this.tell({ type: 'session-deleted' });
    this.#seat.rest();
  }
}
