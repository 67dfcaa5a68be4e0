import type { Clock } from '../../lib/clock.ts';
import { HeardCustody } from '../custody.ts';
import type { Custody } from '../input.ts';

const sharedForMs = 1_000;

interface Shared {
  readonly custody: Custody;
  /** It is not ours any more: what is not durable yet never will be by us. */
  readonly end: () => void;
}

/**
 * Custody of what requests bring: once a request is told that something is not durable its sender may give it to another agent.
 *
 * The requests of one second share a custody, because what has one custody is made durable together: many small requests at a time would
 * each wait for a write of its own otherwise. When one of them is not durable in time all that still waits of them is given back.
 */
export class SharedCustodies {
  readonly #clock: Clock;
  #current: Shared | null = null;
  #until = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): Shared {
    const now = this.#clock.monotonic();
    if (this.#current === null || this.#current.custody.lost.aborted || now >= this.#until) {
      const ended = new AbortController();
      this.#current = { custody: new HeardCustody(this.#clock, ended.signal), end: () => ended.abort() };
      this.#until = now + sharedForMs;
    }
    return this.#current;
  }
}
