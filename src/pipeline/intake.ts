import type { Clock } from '../lib/clock.ts';

export interface IntakeSize<T> {
  /** Who delivers waits while all that is here comes to so much. */
  readonly max: number;
  readonly of: (item: T) => number;
}

/**
 * Between an input and its listener: deliveries wait here in order. While one batch is being made durable the next one gathers,
 * so the batch size follows the load by itself; a linger only helps when things are slow. At either bound, of their number or of
 * their size, `deliver` waits, which stops the input, which leaves the rest at the source.
 */
export class Intake<T> {
  readonly #bound: number;
  readonly #size: IntakeSize<T>;
  #waiting = 0;
  #queue: T[] = [];
  #wakeTaker: (() => void) | null = null;
  #wakeGivers: (() => void)[] = [];
  #ended = false;
  #failure: { readonly error: unknown } | null = null;
  #delivered = 0;

  constructor(bound: number, size: IntakeSize<T> = { max: Number.POSITIVE_INFINITY, of: () => 0 }) {
    this.#bound = bound;
    this.#size = size;
  }

  /** How many ever came, and how many of them were taken: a place in the stream. */
  get delivered(): number {
    return this.#delivered;
  }

  get taken(): number {
    return this.#delivered - this.#queue.length;
  }

  /** Resolves when there is room for more; rejects with what the listener failed with. */
  async deliver(items: readonly T[]): Promise<void> {
    this.#requireListener();
    for (const item of items) {
      this.#queue.push(item);
      this.#waiting += this.#size.of(item);
    }
    this.#delivered += items.length;
    this.#wakeTaker?.();
    while (this.#isFull() && !this.#ended) await new Promise<void>((resolve) => this.#wakeGivers.push(resolve));
    this.#requireListener();
  }

  /** No more will come: `take` gives what is left, then null. */
  end(): void {
    this.#ended = true;
    this.#wakeTaker?.();
    this.#release();
  }

  /** The listener has failed or left: who delivers is told, and what waits here is handed back. */
  fail(error: unknown): readonly T[] {
    this.#failure = { error };
    this.end();
    return this.#queue.splice(0);
  }

  #isFull(): boolean {
    return this.#queue.length >= this.#bound || this.#waiting >= this.#size.max;
  }

  #requireListener(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** The next batch of at most `max`, waiting for the first and then at most `lingerMs` for more; null at the end, or once aborted. */
  async take(max: number, lingerMs: number, clock: Clock, signal: AbortSignal): Promise<T[] | null> {
    while (this.#queue.length === 0) {
      if (this.#ended || signal.aborted) return null;
      await this.#arrival(signal);
    }
    if (signal.aborted) return null;
    if (lingerMs > 0 && this.#queue.length < max && !this.#isFull() && !this.#ended)
      await this.#linger(max, lingerMs, clock, signal);
    const batch = this.#queue.splice(0, max);
    for (const item of batch) this.#waiting -= this.#size.of(item);
    this.#release();
    return batch;
  }

  async #linger(max: number, lingerMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const end = clock.sleep(lingerMs, over.signal).then(
      () => true,
      () => true,
    );
    while (this.#queue.length < max && !this.#isFull() && !this.#ended && !signal.aborted) {
      if ((await Promise.race([end, this.#arrival(signal).then(() => false)])) === true) break;
    }
    over.abort(new Error('enough'));
    // The linger may have ended without an arrival: nobody waits for one any more, and nothing may stay behind on the signal.
    this.#wakeTaker?.();
  }

  #arrival(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake);
        this.#wakeTaker = null;
        resolve();
      };
      this.#wakeTaker = wake;
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  #release(): void {
    const givers = this.#wakeGivers;
    this.#wakeGivers = [];
    for (const wake of givers) wake();
  }
}
