import type { Clock } from '../lib/clock.ts';
import type { Custody } from './input.ts';

/**
 * A source that hears nothing of us for long gives what we have to another listener, whose ids the partitions forget two minutes after
 * it was proven. So nothing may be appended of a delivery whose source was not heard for half of that: this process may have been
 * stopped (SIGSTOP, a machine that sleeps), or cut off, and not know it yet.
 */
const custodyMs = 60_000;

/** Wall clock and monotonic one: the latter stands still while a machine sleeps, the former may be set back. */
export class HeardCustody implements Custody {
  readonly lost: AbortSignal;
  readonly #clock: Clock;
  #wall: number;
  #monotonic: number;

  constructor(clock: Clock, lost: AbortSignal) {
    this.#clock = clock;
    this.lost = lost;
    this.#wall = clock.now();
    this.#monotonic = clock.monotonic();
  }

  /** The source has just given a sign of life. */
  heard(): void {
    this.#wall = this.#clock.now();
    this.#monotonic = this.#clock.monotonic();
  }

  holds(): boolean {
    if (this.lost.aborted) return false;
    return Math.max(this.#clock.now() - this.#wall, this.#clock.monotonic() - this.#monotonic) <= custodyMs;
  }
}
