import type { Clock } from '../../lib/clock.ts';

/**
 * The time that next attempts and expiry are reckoned in: it begins with the clock of the machine and goes on with the monotonic one, so
 * that a clock that is set moves no delay. It begins not before what the file says was reached: set back while nothing ran, the
 * clock would otherwise make every mail wait for the difference.
 */
export class QueueTime {
  readonly #clock: Clock;
  readonly #offset: number;

  constructor(clock: Clock, reached: number) {
    this.#clock = clock;
    this.#offset = Math.max(clock.now(), reached) - clock.monotonic();
  }

  now(): number {
    return Math.round(this.#offset + this.#clock.monotonic());
  }
}
