import { GrowingFile } from './growing-file.ts';

/** Whole lines of a file that grows, or is not there yet, each once. */
export class Tail {
  readonly #file: GrowingFile;
  #rest = Buffer.alloc(0);

  constructor(path: string) {
    this.#file = new GrowingFile(path);
  }

  lines(): readonly string[] {
    const lines: string[] = [];
    for (const piece of this.#file.read()) {
      const whole = Buffer.concat([this.#rest, piece]);
      const end = whole.lastIndexOf(10) + 1;
      lines.push(...whole.toString('utf8', 0, end).split('\n').slice(0, -1));
      this.#rest = Buffer.from(whole.subarray(end));
    }
    return lines;
  }
}
