/** How large the entries of a partition are on average, the newer ones counting more. */
export class Sizes {
  readonly #means = new Map<string, number>();

  saw(queue: string, bytes: number): void {
    const mean = this.#means.get(queue);
    this.#means.set(queue, mean === undefined ? bytes : mean + (bytes - mean) / 16);
  }

  /** An estimate; of a partition that nothing is known of, by the mean of the others. */
  of(queue: string, entries: number): number {
    if (entries === 0) return 0;
    return Math.ceil(entries * (this.#means.get(queue) ?? this.#overall()));
  }

  #overall(): number {
    if (this.#means.size === 0) return 0;
    return [...this.#means.values()].reduce((sum, mean) => sum + mean, 0) / this.#means.size;
  }
}
