import { statSync } from 'node:fs';

/** One line on stderr, drawn in place on a terminal and nowhere else. */
export class Progress {
  readonly #out: NodeJS.WriteStream;
  readonly #total: number | null;
  #done = 0;
  #drawnAt = 0;

  constructor(file: string | null, out: NodeJS.WriteStream) {
    this.#out = out;
    this.#total = file === null || !out.isTTY ? null : statSync(file).size;
  }

  add(bytes: number): void {
    this.#done += bytes;
    if (this.#total === null || performance.now() - this.#drawnAt < 100) return;
    this.#drawnAt = performance.now();
    const share = Math.min(1, this.#done / Math.max(1, this.#total));
    this.#out.write(`\r[${'#'.repeat(Math.round(share * 40)).padEnd(40)}] ${Math.round(share * 100)} %`);
  }

  end(): void {
    if (this.#total !== null) this.#out.write('\r\u001b[K');
  }
}
