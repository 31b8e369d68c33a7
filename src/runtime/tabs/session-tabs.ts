import type { SessionLeases, SessionNotice } from '../../contract/lease.ts';
import type { SessionStore } from '../../contract/store.ts';
import { isLashError, type LashError } from '../../core/error.ts';
import type { SessionEvent, SessionWriter, TurnActivity } from '../../core/event.ts';
import type { SessionView } from '../../core/view.ts';
import type { Feed } from '../feed.ts';
import type { History } from '../history/history.ts';
import type { SessionParts } from '../model/model-caller.ts';
import { ActivityRelay } from './activity-relay.ts';
import { fenced } from './fenced.ts';
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
  /** Something was stored for the session's turns. */
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
 *   behind what is committed. It ends for this tab when it ends, or when nobody writes any more.
 * - FO3 Whoever holds the lease believes no other writer's activity.
 * - FO4 What one tab commits, the others hear of; what its turn shows is published only while somebody follows.
 */
export class SessionTabs {
  readonly #leases: SessionLeases;
  readonly #store: SessionStore;
  readonly #history: History;
  readonly #feed: Feed;
  readonly #host: TabHost;
  readonly #seat: WriterSeat;
  readonly #relay: ActivityRelay;
  readonly #stop: () => void;
  #inbox: Promise<void> = Promise.resolve();
  /** Set while the feed is told what happens elsewhere. */
  #fromElsewhere = false;
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
    this.#seat = new WriterSeat({
      sessionId,
      leases,
      clock,
      lingerMs,
      prepare: (lost) => history.prepareToWrite(lost),
      probe: () => store.load({ kind: 'head' }),
      publish: this.#publish,
      onWriter: (writer) => this.#onWriter(writer),
      onLost: () => this.#onLost(),
    });
    const stops = [leases.subscribe(sessionId, this.#hear), feed.subscribe((event) => this.#observe(event))];
    this.#stop = () => stops.forEach((stop) => stop());
  }

  /** Looks who writes, catches up with them, and asks to be shown the turn that runs there, if there is one. */
  async begin(): Promise<void> {
    await this.#seat.look();
    // What was written between reading the session and hearing of it was told to nobody here.
    if (this.#seat.writer === 'elsewhere') this.#enqueue(() => this.#follow());
    this.#publish({ kind: 'following' });
    await this.#inbox;
  }

  /** Takes the lease for a turn and prepares to write. @throws as {@link WriterSeat.enter} */
  async enter(turnId: string): Promise<void> {
    await this.#seat.enter({ turnId });
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
    this.#enqueue(async () => {
      await this.#seat.look();
      await this.#follow();
      await this.#host.turnsChanged();
      await this.#host.loadMeta();
    });
    this.#publish({ kind: 'following' });
    await this.#inbox;
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
  }

  /** Gives the lease up and hears nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stop();
    this.#relay.flush();
    await this.#seat.close();
    await this.#inbox;
  }

  readonly #publish = (notice: SessionNotice): void => {
    this.#leases.publish(this.#store.sessionId, notice, this.#hear);
  };

  readonly #hear = (notice: SessionNotice): void => {
    if (notice.kind === 'wanted') return this.#seat.answer();
    if (notice.kind !== 'following') return this.#enqueue(() => this.#handle(notice));
    const { turn } = this.#host.view();
    if (turn !== null && turn.turnId === this.#host.runningTurn()) this.#relay.show(turn);
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
        await this.#follow();
        break;
      case 'meta-changed':
        return await this.#host.loadMeta();
      case 'turns-changed':
        return await this.#host.turnsChanged();
      case 'deleted':
        await this.#store.load({ kind: 'head' });
        return;
      case 'turn':
        if (!this.#seat.held) this.tell({ type: 'turn-joined', turn: notice.turn });
        break;
      case 'activity':
        this.#join(notice.activity);
        break;
      default:
        return await this.#seat.look();
    }
    if (this.#seat.writer === 'nobody') await this.#seat.look();
  }

  /** A running turn finds out by its own next commit. */
  async #follow(): Promise<void> {
    if (this.#host.runningTurn() === null) await this.#history.follow();
  }

  #join(activity: readonly TurnActivity[]): void {
    if (this.#seat.held) return;
    let unknown = false;
    for (const event of activity) {
      const shown = this.#host.view().turn?.turnId === event.turnId;
      if (shown || event.type === 'turn-started') this.tell(event);
      else unknown ||= event.type !== 'turn-finished';
    }
    const began = activity.some(({ type }) => type === 'turn-started');
    if (began || unknown) this.#publish({ kind: 'following' });
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
      case 'title-changed':
      case 'queue-changed':
      case 'turn-joined':
      case 'writer-changed':
      case 'session-deleted':
        return;
      default:
        this.#relay.add(event);
    }
  }

  #onWriter(writer: SessionWriter): void {
    this.tell({ type: 'writer-changed', writer });
    if (writer === 'nobody') this.#enqueue(async () => await this.#forsake());
  }

  /** Nobody runs the turn that ran elsewhere: it is over, or whoever can goes on with it (FO2). */
  async #forsake(): Promise<void> {
    if (this.#seat.writer !== 'nobody') return;
    await this.#follow();
    await this.#host.turnsChanged();
    this.#host.nobodyWrites();
  }

  #onLost(): void {
    const { epoch } = this.#history;
    // Whoever took the lease writes with a greater epoch than ours.
    const stopped = this.#host.leaveTurn(fenced(epoch, epoch + 1));
    this.#enqueue(async () => {
      await stopped;
      this.#publish({ kind: 'following' });
      await this.#follow();
    });
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
