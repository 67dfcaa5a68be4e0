import { Tail } from '../../bench/tail.ts';

/** Which of the samples `s0`, `s1`, … stand in a file of JSON Lines that grows, one bit each. */
export class SeenIds {
  readonly #path: string;
  readonly #tail: Tail;
  #seen = new Uint8Array(1024);
  #complete = 0;
  size = 0;
  doubled = 0;

  constructor(path: string) {
    this.#path = path;
    this.#tail = new Tail(path);
  }

  /** Reads on. Returns how many different ones are there. */
  look(): number {
    for (const line of this.#tail.lines()) this.#note(Number(/"id":"s(\d+)"/.exec(line)?.[1]));
    return this.size;
  }

  /** All below `n` are there. */
  all(n: number): boolean {
    while (this.#complete < n && this.#has(this.#complete)) this.#complete += 1;
    return this.#complete >= n;
  }

  #has(n: number): boolean {
    return ((this.#seen[n >> 3] ?? 0) & (1 << (n & 7))) !== 0;
  }

  #note(n: number): void {
    if (!Number.isSafeInteger(n)) throw new Error(`a line without an id of ours stands in ${this.#path}`);
    if (this.#has(n)) {
      this.doubled += 1;
      return;
    }
    if (n >> 3 >= this.#seen.length) {
      const larger = new Uint8Array(Math.max(this.#seen.length * 2, (n >> 3) + 1));
      larger.set(this.#seen);
      this.#seen = larger;
    }
    this.#seen[n >> 3] = (this.#seen[n >> 3] ?? 0) | (1 << (n & 7));
    this.size += 1;
  }
}
