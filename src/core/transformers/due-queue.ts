/**
 * Who is due next, on one clock: a binary heap ordered by (deadline, key), so that the order depends on nothing but the states.
 * A changed deadline is pushed anew; the entry it replaces is recognised as stale when it comes up.
 */
export class DueQueue {
  readonly #at: number[] = [];
  readonly #keys: string[] = [];
  readonly #current = new Map<string, number>();

  get size(): number {
    return this.#current.size;
  }

  set(key: string, at: number): void {
    if (this.#current.get(key) === at) return;
    this.#current.set(key, at);
    this.#push(at, key);
    // Stale entries must not outgrow the live ones: rebuild once they are the greater part.
    if (this.#keys.length > 64 && this.#keys.length > 4 * this.#current.size) this.#rebuild();
  }

  delete(key: string): void {
    this.#current.delete(key);
  }

  /** The first key whose deadline is at or before `now`, removed; undefined when there is none. */
  takeDue(now: number): string | undefined {
    while (this.#keys.length > 0 && (this.#at[0] as number) <= now) {
      const [at, key] = this.#pop();
      if (this.#current.get(key) !== at) continue;
      this.#current.delete(key);
      return key;
    }
    return undefined;
  }

  takeFirst(): string | undefined {
    return this.takeDue(Number.POSITIVE_INFINITY);
  }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#at[a] as number, this.#at[b] as number];
    return x < y || (x === y && (this.#keys[a] as string) < (this.#keys[b] as string));
  }

  #swap(a: number, b: number): void {
    [this.#at[a], this.#at[b]] = [this.#at[b] as number, this.#at[a] as number];
    [this.#keys[a], this.#keys[b]] = [this.#keys[b] as string, this.#keys[a] as string];
  }

  #push(at: number, key: string): void {
    let child = this.#keys.length;
    this.#at.push(at);
    this.#keys.push(key);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#before(child, parent)) break;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #pop(): [number, string] {
    const last = this.#keys.length - 1;
    this.#swap(0, last);
    const popped: [number, string] = [this.#at.pop() as number, this.#keys.pop() as string];
    let parent = 0;
    for (;;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) if (child < last && this.#before(child, least)) least = child;
      if (least === parent) return popped;
      this.#swap(parent, least);
      parent = least;
    }
  }

  #rebuild(): void {
    this.#at.length = 0;
    this.#keys.length = 0;
    for (const [key, at] of this.#current) this.#push(at, key);
  }
}
