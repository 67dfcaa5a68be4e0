import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** Reads a file that grows, or is not there yet: each byte once. */
export class GrowingFile {
  readonly #path: string;
  readonly #buffer = Buffer.alloc(1024 * 1024);
  #at = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** What came since the last time. A piece holds until the next is asked for. */
  *read(): Generator<Buffer> {
    if (statSync(this.#path, { throwIfNoEntry: false }) === undefined) return;
    const fd = openSync(this.#path, 'r');
    try {
      for (;;) {
        const read = readSync(fd, this.#buffer, 0, this.#buffer.length, this.#at);
        if (read === 0) return;
        this.#at += read;
        yield this.#buffer.subarray(0, read);
      }
    } finally {
      closeSync(fd);
    }
  }
}
