import { roughSize } from '../core/rough-size.ts';
import type { SessionView } from '../core/view.ts';
import { type ChannelItem, continues, type Delta, isDelta } from './channel-item.ts';

/** A batch leaves when its first item has waited this long, in milliseconds ... */
export const BATCH_MS = 16;
/** ... or when it has this many items ... */
export const BATCH_ITEMS = 32;
/** ... or about this many bytes. A larger item goes alone. */
export const BATCH_BYTES = 8192;
/** So many batches may be under way before the page has to acknowledge one. */
export const CREDIT = 8;

/** About so many bytes may wait for the page; then what waits of a session is replaced by its view. */
export const BACKLOG_BYTES: number = 1024 * 1024;

/**
 * Consecutive items; `first` and `last` are the numbers of the first and the last one, counted from 1 on each channel without
 * a gap. There are fewer items than numbers where a view took the place of several.
 */
export interface Batch {
  readonly first: number;
  readonly last: number;
  readonly items: readonly ChannelItem[];
}

/** The page has handled every item up to this number. */
export interface Acknowledgement {
  readonly seen: number;
}

type Pushed = Exclude<ChannelItem, { readonly kind: 'view' }>;

/** A view that is taken when it leaves. */
interface LateView {
  readonly kind: 'view';
  readonly session: number;
  readonly view: () => SessionView;
}

interface Waiting {
  readonly item: Pushed | LateView;
  size: number;
  /** What was joined to the item, a delta, while it waited. */
  more: string;
  /** The number of the last item that it stands for. */
  last: number;
}

/**
 * The worker's end of the event channel (law WB5). Items get consecutive numbers and leave in batches, at most
 * {@link CREDIT} of which are under way; a page that is slow slows nothing in the worker. What waits keeps its order
 * within a session, and neighbouring deltas of one model call become one item of at most {@link BATCH_BYTES}.
 *
 * What waits is at most {@link BACKLOG_BYTES}, measured by `roughSize`. Where it would be more, the events of the session
 * that has most of them are replaced by one view, which is taken when it leaves: it shows all that they would have told. Calls
 * of tools and models, and notices of the database, which are few, always arrive; warnings do while there is room.
 */
export class EventSender {
  readonly #port: MessagePort;
  readonly #maxBytes: number;
  readonly #views = new Map<number, () => SessionView>();
  /** Sessions whose view waits: what happens meanwhile is in it. */
  readonly #renewed = new Set<number>();
  readonly #underWay: number[] = [];
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #last = 0;
  #sent = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(port: MessagePort, maxBytes: number = BACKLOG_BYTES) {
    this.#port = port;
    this.#maxBytes = maxBytes;
    port.addEventListener('message', this.#onAcknowledged);
    port.start();
  }

  /** The number of the newest item, sent or waiting; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** About how many bytes wait. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Sends the view of a session, as it is when it leaves; events that are pushed from now on go on from there. */
  show(session: number, view: () => SessionView): void {
    this.#views.set(session, view);
    this.#renewed.add(session);
    this.#add({ kind: 'view', session, view });
  }

  /** Takes an item; it leaves with a batch. */
  push(item: Pushed): void {
    if (item.kind === 'event' && this.#renewed.has(item.session)) return;
    if (item.kind === 'warning' && this.#waitingBytes > this.#maxBytes / 2) return;
    if (item.kind !== 'event' || !isDelta(item.event) || !this.#join(item.session, item.event)) {
      this.#add(item);
    }
    while (this.#waitingBytes > this.#maxBytes && this.#renew());
  }

  /** Sends what waits, as far as there is credit; the rest follows when batches are acknowledged. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#waiting.length > 0 && this.#underWay.length < CREDIT) this.#send();
  }

  #add(item: Waiting['item']): void {
    const size = roughSize(item);
    this.#last += 1;
    this.#waiting.push({ item, size, more: '', last: this.#last });
    this.#waitingBytes += size;
    this.#hurry();
  }

  #hurry(): void {
    if (this.#underWay.length === CREDIT) return;
    if (this.#waiting.length >= BATCH_ITEMS || this.#waitingBytes >= BATCH_BYTES) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  /** Joins `delta` to what waits of its session, if that is the same model call and not too long yet. */
  #join(session: number, delta: Delta): boolean {
    const last = this.#waiting.findLast(({ item }) => 'session' in item && item.session === session);
    if (last === undefined || last.size >= BATCH_BYTES || last.item.kind !== 'event') return false;
    const { event } = last.item;
    if (!isDelta(event) || !continues(event, delta)) return false;
    last.more += delta.text;
    last.size += delta.text.length;
    this.#waitingBytes += delta.text.length;
    this.#hurry();
    return true;
  }

  /** Replaces what waits of the session that has most of it by its view. Whether there was any. */
  #renew(): boolean {
    const sizes = new Map<number, number>();
    for (const { item, size } of this.#waiting) {
      if (item.kind === 'event' && this.#views.has(item.session))
        sizes.set(item.session, (sizes.get(item.session) ?? 0) + size);
    }
    const [largest] = [...sizes].toSorted(([, one], [, other]) => other - one);
    const session = largest?.[0] ?? 0;
    const view = this.#views.get(session);
    if (view === undefined) return false;
    const kept: Waiting[] = [];
    for (const waiting of this.#waiting) {
      const { item, size, last } = waiting;
      if (item.kind !== 'event' || item.session !== session) kept.push(waiting);
      else if (this.#renewed.has(session)) {
        // The view is before it, so whoever has seen what it is counted to has seen the view.
        const before = kept.at(-1);
        if (before !== undefined) before.last = last;
        this.#waitingBytes -= size;
      } else {
        this.#renewed.add(session);
        const renewed = { kind: 'view', session, view } as const;
        kept.push({ item: renewed, size: roughSize(renewed), more: '', last });
        this.#waitingBytes += roughSize(renewed) - size;
      }
    }
    this.#waiting = kept;
    return true;
  }

  #send(): void {
    let bytes = 0;
    let count = 0;
    for (const { item, size } of this.#waiting) {
      const weight = item.kind === 'view' ? BATCH_BYTES : size;
      if (count === BATCH_ITEMS || (count > 0 && bytes + weight > BATCH_BYTES)) break;
      bytes += weight;
      count++;
    }
    const taken = this.#waiting.splice(0, count);
    for (const { size } of taken) this.#waitingBytes -= size;
    const last = taken.at(-1)?.last ?? this.#sent;
    const batch: Batch = { first: this.#sent + 1, last, items: taken.map((waiting) => this.#whole(waiting)) };
    this.#sent = last;
    this.#underWay.push(last);
    this.#port.postMessage(batch);
  }

  #whole({ item, more }: Waiting): ChannelItem {
    if (item.kind === 'view') {
      this.#renewed.delete(item.session);
      return { ...item, view: item.view() };
    }
    if (item.kind === 'closed') this.#views.delete(item.session);
    if (more === '' || item.kind !== 'event' || !isDelta(item.event)) return item;
    return { ...item, event: { ...item.event, text: item.event.text + more } };
  }

  readonly #onAcknowledged = ({ data }: MessageEvent<Acknowledgement>): void => {
    while (this.#underWay.length > 0 && (this.#underWay[0] ?? 0) <= data.seen) this.#underWay.shift();
    if (this.#timer === undefined) this.flush();
  };
}

/** The page's end of the event channel: hands each batch over as a whole, then acknowledges it. */
export class EventReceiver {
  readonly #port: MessagePort;
  readonly #deliver: (items: readonly ChannelItem[]) => void;
  readonly #awaited: { readonly number: number; readonly resolve: () => void }[] = [];
  #seen = 0;

  constructor(port: MessagePort, deliver: (items: readonly ChannelItem[]) => void) {
    this.#port = port;
    this.#deliver = deliver;
    port.addEventListener('message', this.#onBatch);
    port.start();
  }

  /** Resolves once the item of this number was delivered. */
  seen(number: number): Promise<void> {
    if (number <= this.#seen) return Promise.resolve();
    return new Promise((resolve) => this.#awaited.push({ number, resolve }));
  }

  /** Ends the channel. What `seen` returned and is still open stays open. */
  close(): void {
    this.#port.removeEventListener('message', this.#onBatch);
    this.#port.close();
  }

  readonly #onBatch = ({ data }: MessageEvent<Batch>): void => {
    try {
      this.#deliver(data.items);
    } finally {
      this.#seen = data.last;
      const acknowledgement: Acknowledgement = { seen: this.#seen };
      this.#port.postMessage(acknowledgement);
      for (const waiter of this.#awaited.splice(0)) {
        if (waiter.number <= this.#seen) waiter.resolve();
        else this.#awaited.push(waiter);
      }
    }
  };
}
