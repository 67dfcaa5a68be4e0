import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from './clock.ts';

/** A fifth of what an event loop may stand still: what is begun is finished, and others want their turn as well. */
const turnMs = 10;

type Timer = Pick<Clock, 'monotonic'>;

/** Since when the event loop has had no turn, as far as anybody asked. One for all of a process: many who take a little each make it stand still, too. */
const begun = new WeakMap<Timer, number>();

function begunAt(clock: Timer): number {
  const known = begun.get(clock);
  if (known !== undefined) return known;
  const now = clock.monotonic();
  begun.set(clock, now);
  setImmediate(() => begun.delete(clock));
  return now;
}

/** Asked by who works in little pieces whether the event loop should have its turn first. By a clock that stands still a turn is never over. */
export class Turn {
  readonly #clock: Timer;

  constructor(clock: Timer) {
    this.#clock = clock;
    begunAt(clock);
  }

  get isOver(): boolean {
    return this.#clock.monotonic() - begunAt(this.#clock) >= turnMs;
  }

  /** Of all who wait for it, only as many go on in the next one as it has time for. */
  async next(): Promise<void> {
    do await nextTurn();
    while (this.isOver);
  }
}
