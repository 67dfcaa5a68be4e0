import { Fault } from '../../src/model/faults.ts';
import type { Process, World } from './world.ts';

/**
 * What can befall one call over the network.
 *
 * | fate           | at the server            | the caller |
 * |----------------|--------------------------|------------|
 * | `ok`           | done                     | is told |
 * | `lost-request` | nothing                  | an error |
 * | `lost-reply`   | done                     | an error |
 * | `late-request` | done, perhaps much later | an error at once |
 */
export type Fate = 'ok' | 'lost-request' | 'lost-reply' | 'late-request';

export interface Weather {
  /** How likely a call is to meet something else than `ok`. */
  trouble: number;
  /** Network of one way, ms. */
  slowest: number;
}

/** A server's side of a call: `done` is what the caller hears; a server may answer later (after its fsync). */
export type Effect<T> = (answer: (value: T) => void, refuse: (error: unknown) => void) => void;

/** One connection of one process to one server: requests arrive in the order they were sent. */
export class Link {
  readonly #world: World;
  readonly #process: Process;
  readonly #weather: Weather;
  readonly name: string;
  #lastArrival = 0;
  /** The server cannot be reached until then. */
  downUntil = 0;
  /** Told before each call: where a process dies in the middle of one. */
  onCall: (link: Link) => 'before' | 'after' | null = () => null;
  onDeath: () => void = () => {};

  constructor(world: World, process: Process, weather: Weather, name: string) {
    this.#world = world;
    this.#process = process;
    this.#weather = weather;
    this.name = name;
  }

  call<T>(effect: Effect<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const world = this.#world;
      if (this.#process.dead) return;
      const fate = this.#fate();
      if (fate === 'lost-request') return this.#fail(reject, 'connection lost');
      if (fate === 'late-request') {
        const { random } = world;
        const lateBy = random.chance(0.5) ? random.between(50, 2_000) : random.between(2_000, 25_000);
        world.after(lateBy, null, () => effect(nobody, nobody));
        return this.#fail(reject, 'connection lost, the request is still on its way');
      }
      const dying = this.onCall(this);
      if (dying === 'before') return this.onDeath();
      this.#lastArrival = Math.max(this.#lastArrival, world.now + this.#delay());
      const answer = (value: T) => (fate === 'lost-reply' ? this.#fail(reject, 'reply lost') : this.#reply(() => resolve(value)));
      const refuse = (error: unknown) => this.#reply(() => reject(error));
      // A request of a dead process may have left it or not.
      const leaves = dying === 'after' || world.random.chance(0.5);
      world.after(this.#lastArrival - world.now, null, () => {
        if (!this.#process.dead || leaves) effect(answer, refuse);
      });
      if (dying === 'after') this.onDeath();
    });
  }

  #fate(): Fate {
    const { random, now } = this.#world;
    if (now < this.downUntil) return 'lost-request';
    if (this.#weather.trouble === 0 || !random.chance(this.#weather.trouble)) return 'ok';
    return random.pick(['lost-request', 'lost-reply', 'late-request'] as const);
  }

  #fail(reject: (error: unknown) => void, why: string): void {
    this.#reply(() => reject(new Fault('retryable', 'econnreset', `${this.name}: ${why}`)));
  }

  #reply(run: () => void): void {
    this.#world.after(this.#delay(), this.#process, run);
  }

  #delay(): number {
    return this.#world.random.between(0.1, this.#weather.slowest);
  }
}

function nobody(): void {}
