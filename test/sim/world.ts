import type { Clock } from '../../src/lib/clock.ts';
import { Random } from './random.ts';

/**
 * A world without real time: whatever waits, waits for an event, and events happen one by one in the order of their time. After each one
 * all promises that can go on do, so that what happens depends on the seed alone.
 *
 * An event may belong to a process. While that one is paused (its machine sleeps, it is stopped) its events wait; once it is dead they
 * never happen. A process can only be reached by its events, so nothing of it runs then, wherever it was.
 */
export class World {
  readonly random: Random;
  readonly #events = new EventQueue();
  /** What was found wrong, told at once where it is seen. */
  readonly violations: string[] = [];
  readonly story: string[] = [];
  readonly #tells: boolean;
  now = 0;
  steps = 0;

  constructor(seed: number, tells: boolean) {
    this.random = new Random(seed);
    this.#tells = tells;
  }

  tell(line: () => string): void {
    if (this.#tells) this.story.push(`${(this.now / 1000).toFixed(3).padStart(9)} ${line()}`);
  }

  wrong(invariant: string, what: string): void {
    if (this.violations.length < 20) this.violations.push(`${invariant} at ${(this.now / 1000).toFixed(3)} s: ${what}`);
    this.tell(() => `!! ${invariant}: ${what}`);
  }

  after(ms: number, owner: Process | null, run: () => void): Scheduled {
    return this.#events.add(this.now + Math.max(0, ms), owner, run);
  }

  /** Until `end`, or `enough` holds (looked at every `lookEveryMs`), or something is wrong. */
  async run(end: number, enough: () => boolean, lookEveryMs = 500): Promise<boolean> {
    let lookAt = this.now;
    for (;;) {
      if (this.violations.length > 0) return false;
      if (this.now >= lookAt) {
        if (enough()) return true;
        lookAt = this.now + lookEveryMs;
      }
      const event = this.#events.take();
      if (event === undefined || event.at > end) {
        if (event !== undefined) this.#events.add(event.at, event.owner, event.run);
        this.now = end;
        return enough();
      }
      this.now = Math.max(this.now, event.at);
      await this.#happen(event);
    }
  }

  async #happen({ owner, run }: Scheduled): Promise<void> {
    if (owner?.dead === true) return;
    if (owner !== null && owner.pausedUntil > this.now) {
      this.#events.add(owner.pausedUntil, owner, run);
      return;
    }
    this.steps += 1;
    run();
    await promisesDone();
  }
}

/** The one real thing waited for: it comes after every promise that can go on has. */
function promisesDone(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class Process {
  readonly name: string;
  dead = false;
  pausedUntil = 0;

  constructor(name: string) {
    this.name = name;
  }
}

/** `owner`'s clock: `monotonic` is the world's, `now` may be off and be stepped. */
export class SimClock implements Clock {
  static readonly epoch = Date.parse('2026-01-01T00:00:00Z');
  readonly #world: World;
  readonly #owner: Process;
  offsetMs = 0;

  constructor(world: World, owner: Process) {
    this.#world = world;
    this.#owner = owner;
  }

  now(): number {
    return SimClock.epoch + Math.floor(this.#world.now) + this.offsetMs;
  }

  monotonic(): number {
    return this.#world.now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const scheduled = this.#world.after(ms, this.#owner, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      const onAbort = () => {
        scheduled.cancelled = true;
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}

export interface Scheduled {
  readonly at: number;
  readonly order: number;
  readonly owner: Process | null;
  readonly run: () => void;
  cancelled: boolean;
}

/** A binary heap by (time, order of scheduling). */
class EventQueue {
  readonly #heap: Scheduled[] = [];
  #order = 0;

  add(at: number, owner: Process | null, run: () => void): Scheduled {
    this.#order += 1;
    const event: Scheduled = { at, order: this.#order, owner, run, cancelled: false };
    const heap = this.#heap;
    heap.push(event);
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!before(heap[i] as Scheduled, heap[parent] as Scheduled)) break;
      swap(heap, i, parent);
      i = parent;
    }
    return event;
  }

  take(): Scheduled | undefined {
    for (;;) {
      const first = this.#pop();
      if (first === undefined || !first.cancelled) return first;
    }
  }

  #pop(): Scheduled | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < heap.length && before(heap[child] as Scheduled, heap[least] as Scheduled)) least = child;
      if (least === i) return first;
      swap(heap, i, least);
      i = least;
    }
  }
}

function before(a: Scheduled, b: Scheduled): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function swap(heap: Scheduled[], i: number, j: number): void {
  [heap[i], heap[j]] = [heap[j] as Scheduled, heap[i] as Scheduled];
}
