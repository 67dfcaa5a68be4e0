/** The half of a channel that acknowledges. Both may throw when the channel is gone. */
export interface AckChannel {
  ack(deliveryTag: number, allUpTo: boolean): void;
  nack(deliveryTag: number): void;
}

/**
 * Acknowledges what was settled on one channel, many in one frame: everything settled in one turn of the event loop is sent at its
 * end, the contiguous prefix as a single `ack(tag, allUpTo)`, what lies behind a gap one by one (a slow delivery must not hold the
 * others' acks, or the prefetch window fills with settled work).
 *
 * A multiple ack must name a tag that is still open, else the broker closes the channel with 406: hence the two sets.
 * After `end` every settlement is dropped: its delivery returns to the queue with the dead channel, and a new channel numbers anew.
 */
export class Settlements {
  readonly #channel: AckChannel;
  /** The first that is not settled. */
  #low = 1;
  /** The last one below it, when it was settled in its turn and nothing told of that yet. */
  #top = 0;
  #provenLow = 1;
  #lastHanded = 0;
  /** Settled out of turn, not yet sent. */
  #pending = new Set<number>();
  /** Sent one by one (acked or given back), above `low`. */
  #sent = new Set<number>();
  #scheduled = false;
  #ended = false;

  constructor(channel: AckChannel) {
    this.#channel = channel;
  }

  /** Something handed out is not proven settled: after the loss of the channel it may come again. */
  get unproven(): boolean {
    return this.#lastHanded >= this.#provenLow;
  }

  /** Something handed out is neither settled nor given back. */
  get open(): boolean {
    return this.#lastHanded >= this.#low;
  }

  handed(deliveryTag: number): void {
    this.#lastHanded = Math.max(this.#lastHanded, deliveryTag);
  }

  settle(deliveryTag: number): void {
    if (this.#ended) return;
    if (deliveryTag === this.#low) {
      this.#low += 1;
      this.#top = deliveryTag;
    } else this.#pending.add(deliveryTag);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.flush());
  }

  giveBack(deliveryTag: number): void {
    if (this.#ended) return;
    // Sent at once: a later multiple ack passes over this tag and must not acknowledge it.
    this.#channel.nack(deliveryTag);
    this.#sent.add(deliveryTag);
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#ended) return;
    let top = this.#top;
    this.#top = 0;
    for (;;) {
      if (this.#pending.delete(this.#low)) top = this.#low;
      else if (!this.#sent.delete(this.#low)) break;
      this.#low += 1;
    }
    if (top > 0) this.#channel.ack(top, true);
    for (const deliveryTag of this.#pending) {
      this.#channel.ack(deliveryTag, false);
      this.#sent.add(deliveryTag);
    }
    this.#pending.clear();
  }

  /** Everything settled so far is sent; run `proof` (a synchronous call on the channel) and remember what it proved. */
  async prove(proof: () => Promise<void>): Promise<void> {
    this.flush();
    const low = this.#low;
    await proof();
    if (!this.#ended) this.#provenLow = Math.max(this.#provenLow, low);
  }

  end(): void {
    this.#ended = true;
    this.#pending.clear();
    this.#sent.clear();
  }
}
