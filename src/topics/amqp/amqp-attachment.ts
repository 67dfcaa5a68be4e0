import type { ConsumeMessage } from 'amqplib';
import type { Clock } from '../../lib/clock.ts';
import type { KeyRing } from '../../lib/key-ring.ts';
import { linkedAbort } from '../../lib/linked-abort.ts';
import { retryLoop } from '../../lib/retry-loop.ts';
import { classify, Fault } from '../../model/faults.ts';
import type { Attachment, Received } from '../topic.ts';
import type { Connection } from './connection.ts';
import { Consumption } from './consumption.ts';
import { isGenesis, madeAt, whyUnsealed } from './seal.ts';
import type { SteadyConnection } from './steady-connection.ts';

export interface AttachmentDeps {
  readonly connection: SteadyConnection;
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly random: () => number;
  /** Cut off for so long, it ends: another agent may see the broker. */
  readonly giveUpMs: number;
  readonly onEvent: (event: AttachmentEvent) => void;
  readonly onSize: (queue: string, bytes: number) => void;
  readonly onClosed: (attachment: AmqpAttachment) => void;
}

export type AttachmentEvent =
  | { readonly kind: 'detached'; readonly queue: string; readonly error: Fault }
  | { readonly kind: 'attached'; readonly queue: string; readonly prefetch: number }
  | { readonly kind: 'refused'; readonly queue: string; readonly why: string };

interface Unsettled {
  readonly offset: number;
  readonly tag: number;
  readonly at: number | null;
  readonly genesis: boolean;
}

const backoff = { baseMs: 100, capMs: 2_000 };
const readBytes = 16 * 1024 * 1024;
const mostPrefetch = 65_535;

/**
 * Reads one partition over a channel of its own. When the channel is lost it attaches again by itself, and what was not settled comes
 * again, in order, under new offsets: offsets only ever grow, and go on behind the one the last owner came to, so that a settlement
 * never means an entry of another channel. It may do so unasked because nothing that is read has an effect without the guarded commit.
 */
export class AmqpAttachment implements Attachment {
  readonly queue: string;
  readonly #deps: AttachmentDeps;
  readonly #closing = new AbortController();
  #offset: number;
  #prefetch: number;
  #inbox: Received[] = [];
  #unsettled: Unsettled[] = [];
  #consumption: Consumption | null = null;
  #failure: Fault | null = null;
  #wake: () => void = () => {};
  #keeping: Promise<void> = Promise.resolve();

  constructor(queue: string, from: number | null, prefetch: number, deps: AttachmentDeps) {
    this.queue = queue;
    this.#deps = deps;
    this.#offset = from ?? 0;
    this.#prefetch = Math.min(prefetch, mostPrefetch);
  }

  /** Throws when there is no such queue, or no broker within `giveUpMs`. */
  async start(): Promise<void> {
    await this.#attach('at once');
    this.#keeping = this.#keep();
  }

  /** Delivered to us, not settled, the genesis entry left out; and when the first of them was made. */
  get held(): { readonly entries: number; readonly oldestAtMs: number | null } {
    const entries = this.#unsettled.filter(({ genesis }) => !genesis);
    return { entries: entries.length, oldestAtMs: entries[0]?.at ?? null };
  }

  async read(max: number, waitMs: number, signal: AbortSignal): Promise<readonly Received[]> {
    if (this.#closing.signal.aborted) throw new Fault('retryable', 'closed', 'the topics are closed');
    const until = this.#deps.clock.monotonic() + waitMs;
    for (;;) {
      signal.throwIfAborted();
      if (this.#closing.signal.aborted) return [];
      if (this.#inbox.length > 0) return this.#take(max);
      if (this.#failure !== null) throw this.#failure;
      const leftMs = until - this.#deps.clock.monotonic();
      if (leftMs <= 0) {
        this.#widenWhenStuck();
        return [];
      }
      await this.#arrival(leftMs, signal);
    }
  }

  async settle(offset: number): Promise<void> {
    let count = 0;
    while ((this.#unsettled[count]?.offset ?? Number.POSITIVE_INFINITY) <= offset) count += 1;
    const last = this.#unsettled.splice(0, count).at(-1);
    if (last !== undefined) this.#consumption?.ackUpTo(last.tag);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Fault('retryable', 'closed', 'the attachment is closed'));
    this.#wake();
    await this.#consumption?.close();
    await this.#keeping;
    this.#deps.onClosed(this);
  }

  #take(max: number): Received[] {
    let count = 0;
    for (let bytes = 0; count < Math.min(max, this.#inbox.length) && bytes < readBytes; count++)
      bytes += this.#inbox[count]?.bytes.byteLength ?? 0;
    return this.#inbox.splice(0, count);
  }

  /**
   * The reader asks for more, but all it may have is in its hands: it holds entries that wait for a missing one, and that one stands
   * behind what it may have. So it gets more, which the broker gives only to a new channel.
   */
  #widenWhenStuck(): void {
    if (this.#unsettled.length < this.#prefetch || this.#prefetch === mostPrefetch) return;
    this.#prefetch = Math.min(this.#prefetch * 2, mostPrefetch);
    void this.#consumption?.close();
  }

  /** Until something arrives, somebody closes, the time is up or the signal aborts; the caller looks which. */
  async #arrival(ms: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const wake = () => over.abort();
    this.#wake = wake;
    signal.addEventListener('abort', wake, { once: true });
    await this.#deps.clock.sleep(ms, over.signal).catch(() => undefined);
    signal.removeEventListener('abort', wake);
    this.#wake = () => {};
  }

  /** A queue that is not there: told at once by the first attempt, waited for later, since a broker that starts may not know it yet. */
  async #attach(tellMissing: 'at once' | 'in the end'): Promise<void> {
    const { clock, random, giveUpMs, connection } = this.#deps;
    const patience = linkedAbort(this.#closing.signal);
    let last = new Fault('retryable', 'amqp_disconnected', `${this.queue}: no broker within ${giveUpMs} ms`);
    const retryable = (thrown: unknown) => {
      last = classify(thrown);
      return last.class !== 'retryable' || (last.code === 'no_topic' && tellMissing === 'at once') ? undefined : 0;
    };
    void clock.sleep(giveUpMs, patience.signal).then(
      () => patience.abort(last),
      () => undefined,
    );
    try {
      await retryLoop({ clock, random, signal: patience.signal, retryable, ...backoff }, async () => {
        await this.#consume(await connection.open(patience.signal));
      });
    } catch (thrown) {
      throw patience.signal.aborted && !this.#closing.signal.aborted ? last : thrown;
    } finally {
      patience.abort();
      patience.release();
    }
  }

  async #consume(connection: Connection): Promise<void> {
    const consumption = await Consumption.open(connection, this.queue, this.#deps.clock);
    // Known before the first delivery: that may be settled before the broker's answer has come.
    this.#consumption = consumption;
    if (this.#closing.signal.aborted) return consumption.close();
    await consumption.start(this.#prefetch, (message) => this.#arrived(message));
  }

  #arrived(message: ConsumeMessage): void {
    const { fields, properties, content } = message;
    this.#offset += 1;
    const refused = whyUnsealed(this.#deps.keys, this.queue, properties, content);
    const genesis = isGenesis(properties);
    this.#unsettled.push({ offset: this.#offset, tag: fields.deliveryTag, at: madeAt(properties), genesis });
    const received = { offset: this.#offset, bytes: content, redelivered: fields.redelivered };
    this.#inbox.push(refused === null ? received : { ...received, refused });
    if (refused !== null) this.#deps.onEvent({ kind: 'refused', queue: this.queue, why: refused });
    if (!genesis) this.#deps.onSize(this.queue, content.byteLength);
    this.#wake();
  }

  /** Attaches again whenever the channel is lost, until closed or cut off for too long. Never rejects. */
  async #keep(): Promise<void> {
    const { onEvent } = this.#deps;
    for (;;) {
      const { lost } = this.#consumption as Consumption;
      await aborted(lost);
      this.#inbox = [];
      this.#unsettled = [];
      if (this.#closing.signal.aborted) return;
      onEvent({ kind: 'detached', queue: this.queue, error: lost.reason as Fault });
      try {
        await this.#attach('in the end');
      } catch (thrown) {
        this.#failure = classify(thrown);
        this.#wake();
        return;
      }
      onEvent({ kind: 'attached', queue: this.queue, prefetch: this.#prefetch });
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
