/**
 * Which of the things handed out in order are settled without a gap before them. A position may only move over that prefix: what
 * lies behind the first unsettled line must come again after a crash.
 */
export class SettledPrefix<T> {
  #next = 0;
  #low = 0;
  readonly #open = new Map<number, { readonly value: T; settled: boolean }>();

  add(value: T): number {
    this.#open.set(this.#next, { value, settled: false });
    return this.#next++;
  }

  /** The newest value of the prefix when this settlement moved it. */
  settle(sequence: number): T | undefined {
    const entry = this.#open.get(sequence);
    if (entry === undefined) return undefined;
    entry.settled = true;
    let reached: T | undefined;
    for (let first = this.#open.get(this.#low); first?.settled; first = this.#open.get(this.#low)) {
      reached = first.value;
      this.#open.delete(this.#low++);
    }
    return reached;
  }
}
