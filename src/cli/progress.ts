import { statSync } from 'node:fs';

/** What a terminal is drawn on, or nothing. */
export interface ProgressScreen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const drawEveryMs = 100;
/** Before that a rate says little, and the time that is left less. */
const settledMs = 500;

/** One line, drawn in place on a terminal and nowhere else: how much is done, how fast, and, of a file, how long it will take. */
export class Progress {
  readonly #out: ProgressScreen | null;
  readonly #total: number | null;
  readonly #now: () => number;
  readonly #begun: number;
  #done = 0;
  #items = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(file: string | null, out: ProgressScreen, now: () => number = () => performance.now()) {
    this.#out = out.isTTY === true ? out : null;
    this.#total = file === null || this.#out === null ? null : statSync(file).size;
    this.#now = now;
    this.#begun = now();
  }

  /** One more item, of so many bytes of the file. */
  add(bytes: number): void {
    this.#done += bytes;
    this.#items += 1;
    if (this.#out === null) return;
    const now = this.#now();
    if (now - this.#drawnAt < drawEveryMs) return;
    this.#drawnAt = now;
    const ms = now - this.#begun;
    const line =
      this.#total === null ? countLine(this.#items, ms) : progressLine(this.#done / Math.max(1, this.#total), this.#items, ms);
    this.#out.write(`\r${line}\u001b[K`);
  }

  end(): void {
    this.#out?.write('\r\u001b[K');
  }
}

/** Of a stream, which has no end that one could see. */
function countLine(items: number, ms: number): string {
  return ms < settledMs ? `${items}` : `${items}  ${Math.round((items * 1_000) / ms)}/s`;
}

/** `share` of 1; `ms` since the beginning. */
export function progressLine(share: number, items: number, ms: number): string {
  const done = Math.min(1, share);
  const bar = `[${'#'.repeat(Math.round(done * 30)).padEnd(30)}] ${Math.round(done * 100)} %`;
  if (ms < settledMs || done === 0) return bar;
  return `${bar}  ${Math.round((items * 1_000) / ms)}/s, ${duration((ms * (1 - done)) / done)} left`;
}

function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
