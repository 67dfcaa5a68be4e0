/**
 * Lets one message per key through in each interval and counts the others, for the next one to tell. At `maxKeys` the oldest key is
 * forgotten: then one message too many is logged rather than one too few.
 */
export class RateLimit {
  readonly #intervalMs: number;
  readonly #maxKeys: number;
  readonly #seen = new Map<string, { readonly at: number; suppressed: number }>();

  constructor(intervalMs: number, maxKeys = 1000) {
    this.#intervalMs = intervalMs;
    this.#maxKeys = maxKeys;
  }

  /** How many were held back since the last one, or `null`: hold this one back as well. */
  pass(key: string, now: number): number | null {
    const last = this.#seen.get(key);
    if (last !== undefined && now - last.at < this.#intervalMs) {
      last.suppressed += 1;
      return null;
    }
    this.#seen.delete(key);
    this.#seen.set(key, { at: now, suppressed: 0 });
    if (this.#seen.size > this.#maxKeys) this.#seen.delete(this.#seen.keys().next().value as string);
    return last?.suppressed ?? 0;
  }
}
