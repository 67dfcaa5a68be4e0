import { seeded } from '../faults/random.ts';

/** All chance of one run, from one seed: the same seed is the same life, step by step. */
export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seeded(seed);
    // Neighbouring seeds begin alike.
    for (let i = 0; i < 4; i++) this.#next();
  }

  /** In [0, 1). */
  unit(): number {
    return this.#next();
  }

  between(from: number, to: number): number {
    return from + this.#next() * (to - from);
  }

  /** A whole number, both ends included. */
  int(from: number, to: number): number {
    return Math.floor(this.between(from, to + 1));
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.int(0, from.length - 1)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }
}
