import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** A log that is appended to and can be opened anew, after somebody has moved it away. */
export class LogFile {
  readonly #path: string;
  #fd: number;

  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.#fd = openSync(path, 'a', 0o640);
  }

  write(line: string): void {
    writeSync(this.#fd, line);
  }

  reopen(): void {
    const before = this.#fd;
    this.#fd = openSync(this.#path, 'a', 0o640);
    closeSync(before);
  }
}
