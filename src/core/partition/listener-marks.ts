/** Closed ids are kept through so many slices after the one they were proven in. */
export const keepSlices = 4;

/**
 * How far one listener boot has proven its entries, now and at the end of each slice that still matters: an id is open, closed or
 * forgotten by its sequence alone, so a proof touches no id.
 *
 * Ids keep the low 32 bits of their sequence; the rest is known from the highest one. An id would be mistaken for a later one if its
 * listener went on for 4.29 thousand million entries while it stays unproven, which the prefetch forbids.
 */
export class ListenerMarks {
  readonly listener: string;
  /** Its number in the table of ids. */
  readonly owner: number;
  /** The lowest sequence of an open id that was last stored so long ago that its proof must be stored too. */
  staleFrom = Number.POSITIVE_INFINITY;
  #top = 0;
  /** `[k]`: the mark at the end of the slice k before this one. Sequences begin with 1. */
  #proven: number[] = Array.from({ length: keepSlices + 2 }, () => 0);

  constructor(listener: string, owner: number) {
    this.listener = listener;
    this.owner = owner;
  }

  /** A sequence at or below the mark never comes; were it to, it would count as unproven, never as proven long ago. */
  added(seq: number): void {
    this.#top = Math.max(this.#top, seq);
    if (seq <= this.#markOf(0)) this.#proven = this.#proven.map((mark) => Math.min(mark, seq - 1));
  }

  /** Of a restored id, which may well lie below the mark. */
  saw(seq: number): void {
    this.#top = Math.max(this.#top, seq);
  }

  prove(seq: number): void {
    if (seq > this.#markOf(0)) this.#proven[0] = seq;
  }

  pass(slices: number): void {
    const now = this.#markOf(0);
    this.#proven = [...Array.from({ length: Math.min(slices, keepSlices + 2) }, () => now), ...this.#proven].slice(
      0,
      keepSlices + 2,
    );
  }

  forget(): void {
    this.#proven.fill(Number.POSITIVE_INFINITY);
  }

  fullSeq(low: number): number {
    return this.#top - (((this.#top >>> 0) - low) >>> 0);
  }

  isOpen(seq: number): boolean {
    return seq > this.#markOf(0);
  }

  closedInThisSlice(seq: number): boolean {
    return seq <= this.#markOf(0) && seq > this.#markOf(1);
  }

  isForgotten(seq: number): boolean {
    return seq <= this.#markOf(keepSlices + 1);
  }

  #markOf(slicesAgo: number): number {
    return this.#proven[slicesAgo] as number;
  }
}
