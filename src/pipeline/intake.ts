import type { Clock } from '../lib/clock.ts';

/**
 * Between an input and its listener: deliveries wait here in order. While one batch is being made durable the next one gathers,
 * so the batch size follows the load by itself; a linger only helps when things are slow. At the bound `deliver` waits, which
 * stops the input, which leaves the rest at the source.
 */
export class Intake<T> {
  readonly #bound: number;
  #queue: T[] = [];
  #wakeTaker: (() => void) | null = null;
  #wakeGivers: (() => void)[] = [];
  #ended = false;

  constructor(bound: number) {
    this.#bound = bound;
  }

  async deliver(items: readonly T[]): Promise<void> {
    for (const item of items) this.#queue.push(item);
    this.#wakeTaker?.();
    while (this.#queue.length >= this.#bound && !this.#ended)
      await new Promise<void>((resolve) => this.#wakeGivers.push(resolve));
  }

  /** No more will come: `take` gives what is left, then null. */
  end(): void {
    this.#ended = true;
    this.#wakeTaker?.();
    this.#release();
  }

  /** The next batch of at most `max`, waiting for the first and then at most `lingerMs` for more; null at the end. */
  async take(max: number, lingerMs: number, clock: Clock, signal: AbortSignal): Promise<T[] | null> {
    while (this.#queue.length === 0) {
      if (this.#ended || signal.aborted) return null;
      await this.#arrival(signal);
    }
    if (lingerMs > 0 && this.#queue.length < max && !this.#ended) await this.#linger(max, lingerMs, clock, signal);
    const batch = this.#queue.splice(0, max);
    this.#release();
    return batch;
  }

  async #linger(max: number, lingerMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const end = clock.sleep(lingerMs, over.signal).then(
      () => true,
      () => true,
    );
    while (this.#queue.length < max && !this.#ended && !signal.aborted) {
      if ((await Promise.race([end, this.#arrival(signal).then(() => false)])) === true) break;
    }
    over.abort(new Error('enough'));
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
