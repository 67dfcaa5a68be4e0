/**
 * What was handed out and settled of one partition. Kafka knows one number only, so what lies behind a gap waits for the gap: the offset to
 * commit is that of the first one which is not settled.
 */
export class SettledOffsets {
  readonly #open = new Set<number>();
  #next: number | undefined;

  handed(offset: number): void {
    this.#open.add(offset);
    this.#next = offset + 1;
  }

  settle(offset: number): void {
    this.#open.delete(offset);
  }

  /** Everything below may be committed; undefined while nothing was handed out. Offsets may have holes. */
  get committable(): number | undefined {
    if (this.#next === undefined) return undefined;
    // A set keeps the order of insertion, and offsets are handed out in theirs.
    for (const first of this.#open) return first;
    return this.#next;
  }

  get end(): number | undefined {
    return this.#next;
  }
}
