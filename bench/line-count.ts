import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** Counts the lines of a file that grows, or is not there yet. */
export class LineCount {
  readonly #path: string;
  readonly #buffer = Buffer.alloc(1024 * 1024);
  #at = 0;
  count = 0;

  constructor(path: string) {
    this.#path = path;
  }

  look(): number {
    if (statSync(this.#path, { throwIfNoEntry: false }) === undefined) return 0;
    const fd = openSync(this.#path, 'r');
    for (;;) {
      const read = readSync(fd, this.#buffer, 0, this.#buffer.length, this.#at);
      if (read === 0) break;
      this.#at += read;
      for (let i = this.#buffer.indexOf(10); i >= 0 && i < read; i = this.#buffer.indexOf(10, i + 1)) this.count += 1;
    }
    closeSync(fd);
    return this.count;
  }
}
