import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** Whole lines of a file that grows, or is not there yet, each once. */
export class Tail {
  readonly #path: string;
  readonly #buffer = Buffer.alloc(1024 * 1024);
  #at = 0;
  #rest = Buffer.alloc(0);

  constructor(path: string) {
    this.#path = path;
  }

  lines(): readonly string[] {
    if (statSync(this.#path, { throwIfNoEntry: false }) === undefined) return [];
    const fd = openSync(this.#path, 'r');
    const lines: string[] = [];
    for (;;) {
      const read = readSync(fd, this.#buffer, 0, this.#buffer.length, this.#at);
      if (read === 0) break;
      this.#at += read;
      const whole = Buffer.concat([this.#rest, this.#buffer.subarray(0, read)]);
      const end = whole.lastIndexOf(10) + 1;
      lines.push(...whole.toString('utf8', 0, end).split('\n').slice(0, -1));
      this.#rest = Buffer.from(whole.subarray(end));
    }
    closeSync(fd);
    return lines;
  }
}
