import { type ChannelItem, continues, type Delta, isDelta } from './channel-item.ts';
import { roughSize } from './data-size.ts';

/** A batch leaves when its first item has waited this long, in milliseconds ... */
export const BATCH_MS = 16;
/** ... or when it has this many items ... */
export const BATCH_ITEMS = 32;
/** ... or about this many bytes. A larger item goes alone. */
export const BATCH_BYTES = 8192;
/** So many batches may be under way before the page has to acknowledge one. */
export const CREDIT = 8;

/** Consecutive items; `first` is the number of the first one, counted from 1 on each channel. */
export interface Batch {
  readonly first: number;
  readonly items: readonly ChannelItem[];
}

/** The page has handled every item up to this number. */
export interface Acknowledgement {
  readonly seen: number;
}

interface Waiting {
  readonly item: ChannelItem;
  size: number;
  /** What was joined to the item, a delta, while it waited. */
  more: string;
}

/**
 * The worker's end of the event channel (law WB5). Items get consecutive numbers and leave in batches, at most
 * {@link CREDIT} of which are under way; a page that is slow slows nothing in the worker. What waits keeps its order
 * within a session, and neighbouring deltas of one model call become one item of at most {@link BATCH_BYTES}.
 *
 * Limit: nothing bounds what waits for a page that never acknowledges. Replacing a backlog of more than 1 MiB by a fresh
 * view needs no new kind of message (a `view` item), but is not done yet.
 */
export class EventSender {
  readonly #port: MessagePort;
  readonly #waiting: Waiting[] = [];
  readonly #underWay: number[] = [];
  #waitingBytes = 0;
  #sent = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.addEventListener('message', this.#onAcknowledged);
    port.start();
  }

  /** The number of the newest item, sent or waiting; 0 before the first. */
  get last(): number {
    return this.#sent + this.#waiting.length;
  }

  /** Takes an item; it leaves with a batch. */
  push(item: ChannelItem): void {
    if (item.kind !== 'event' || !isDelta(item.event) || !this.#join(item.session, item.event)) {
      const size = roughSize(item);
      this.#waiting.push({ item, size, more: '' });
      this.#waitingBytes += size;
    }
    if (this.#underWay.length === CREDIT) return;
    if (this.#waiting.length >= BATCH_ITEMS || this.#waitingBytes >= BATCH_BYTES) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  /** Sends what waits, as far as there is credit; the rest follows when batches are acknowledged. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#waiting.length > 0 && this.#underWay.length < CREDIT) this.#send(this.#take());
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
    return true;
  }

  #take(): ChannelItem[] {
    let bytes = 0;
    let count = 0;
    for (const { size } of this.#waiting) {
      if (count === BATCH_ITEMS || (count > 0 && bytes + size > BATCH_BYTES)) break;
      bytes += size;
      count++;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count).map(whole);
  }

  #send(items: readonly ChannelItem[]): void {
    const batch: Batch = { first: this.#sent + 1, items };
    this.#sent += items.length;
    this.#underWay.push(this.#sent);
    this.#port.postMessage(batch);
  }

  readonly #onAcknowledged = ({ data }: MessageEvent<Acknowledgement>): void => {
    while (this.#underWay.length > 0 && (this.#underWay[0] ?? 0) <= data.seen) this.#underWay.shift();
    if (this.#timer === undefined) this.flush();
  };
}

function whole({ item, more }: Waiting): ChannelItem {
  if (more === '' || item.kind !== 'event' || !isDelta(item.event)) return item;
  return { ...item, event: { ...item.event, text: item.event.text + more } };
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
      this.#seen = data.first + data.items.length - 1;
      const acknowledgement: Acknowledgement = { seen: this.#seen };
      this.#port.postMessage(acknowledgement);
      for (const waiter of this.#awaited.splice(0)) {
        if (waiter.number <= this.#seen) waiter.resolve();
        else this.#awaited.push(waiter);
      }
    }
  };
}
