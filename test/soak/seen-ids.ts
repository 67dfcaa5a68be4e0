import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** Which of the samples `s0`, `s1`, … stand in a file of JSON Lines that grows, one bit each. */
export class SeenIds {
  readonly #path: string;
  readonly #buffer = Buffer.alloc(1024 * 1024);
  #fd: number | null = null;
  #at = 0;
  #rest = '';
  #seen = new Uint8Array(1024);
  #complete = 0;
  size = 0;
  doubled = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads on. Returns how many different ones are there. */
  look(): number {
    if (this.#fd === null) {
      if (statSync(this.#path, { throwIfNoEntry: false }) === undefined) return 0;
      this.#fd = openSync(this.#path, 'r');
    }
    for (;;) {
      const read = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, this.#at);
      if (read === 0) return this.size;
      this.#at += read;
      const lines = (this.#rest + this.#buffer.toString('latin1', 0, read)).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#note(Number(/"id":"s(\d+)"/.exec(line)?.[1]));
    }
  }

  /** All below `n` are there. */
  all(n: number): boolean {
    while (this.#complete < n && this.#has(this.#complete)) this.#complete += 1;
    return this.#complete >= n;
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
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
