import type { Delivery } from '../inputs/input.ts';
import type { Clock } from '../lib/clock.ts';

/** As long as the file input waits before it hands a line again. */
const pauseMs = 1_000;

/**
 * What Ceilometer's compat mode gives back for ever. A broker delivers it again at once, so given back at once it would turn in a loop that takes
 * a whole core; here each comes once a second. Nobody waits for that pause but the message itself and its place in the prefetch.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #over = new AbortController();
  #held: { readonly until: number; readonly deliveries: readonly Delivery[] }[] = [];
  #waiting = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  hold(deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0) return;
    this.#held.push({ until: this.#clock.monotonic() + pauseMs, deliveries });
    if (!this.#waiting) void this.#wait();
  }

  /** The listener leaves: everything goes back now. */
  end(): void {
    this.#over.abort(new Error('the listener has ended'));
    this.#giveBack(Number.POSITIVE_INFINITY);
  }

  async #wait(): Promise<void> {
    this.#waiting = true;
    for (let first = this.#held[0]; first !== undefined; first = this.#held[0]) {
      const over = await this.#clock.sleep(first.until - this.#clock.monotonic(), this.#over.signal).then(
        () => false,
        () => true,
      );
      if (over) return;
      this.#giveBack(this.#clock.monotonic());
    }
    this.#waiting = false;
  }

  #giveBack(until: number): void {
    const due = this.#held.filter((group) => group.until <= until);
    this.#held = this.#held.filter((group) => group.until > until);
    for (const { deliveries } of due) for (const delivery of deliveries) delivery.giveBack();
  }
}
