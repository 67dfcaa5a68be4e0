import { GrowingFile } from './growing-file.ts';

/** Counts the lines of a file that grows, or is not there yet. */
export class LineCount {
  readonly #file: GrowingFile;
  count = 0;

  constructor(path: string) {
    this.#file = new GrowingFile(path);
  }

  look(): number {
    for (const piece of this.#file.read()) for (let i = piece.indexOf(10); i >= 0; i = piece.indexOf(10, i + 1)) this.count += 1;
    return this.count;
  }
}
