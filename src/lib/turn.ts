import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from './clock.ts';

/** A fifth of what an event loop may stand still: what is begun is finished, and others want their turn as well. */
const turnMs = 10;

/** How long we have been at it without letting anybody else have the event loop. By a clock that stands still a turn is never over. */
export class Turn {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #since: number;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  get isOver(): boolean {
    return this.#clock.monotonic() - this.#since >= turnMs;
  }

  async next(): Promise<void> {
    await nextTurn();
    this.#since = this.#clock.monotonic();
  }
}
