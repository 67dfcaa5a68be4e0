// The global is a getter, which is too dear for every few notifications.
import { Buffer } from 'node:buffer';

const pageBytes = 256 * 1024;

/**
 * Memory for texts that wait, used again. Memory outside of the heap makes the collector work all the same: V8 of Node 20 frees what lived through one
 * collection of young garbage by a collection of the old generation only, and begins one for every 64 MB of it (decision 16).
 */
export class PagePool {
  readonly #free: Buffer[] = [];
  readonly #most: number;

  /** Keeps at most so many pages of 256 KiB; what comes back beyond that is garbage. */
  constructor(most: number) {
    this.#most = most;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(pageBytes);
  }

  give(page: Buffer): void {
    if (this.#free.length < this.#most) this.#free.push(page);
  }
}

/** Texts in UTF-8 that are let go of together. */
export class TextPages {
  readonly #pool: PagePool;
  readonly #pages: Buffer[] = [];
  #used = 0;

  constructor(pool: PagePool) {
    this.#pool = pool;
  }

  /** The text in UTF-8, to be read until `release`. One that is too long for a page has memory of its own. */
  hold(text: string): Uint8Array {
    const most = Buffer.byteLength(text);
    if (most > pageBytes) return Buffer.from(text);
    let page = this.#pages.at(-1);
    if (page === undefined || this.#used + most > pageBytes) {
      page = this.#pool.take();
      this.#pages.push(page);
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += page.write(text, from);
    return page.subarray(from, this.#used);
  }

  /** Nobody reads any of the texts any more: others are written in their place. Whoever is not sure lets them become garbage instead. */
  release(): void {
    for (const page of this.#pages.splice(0)) this.#pool.give(page);
    this.#used = 0;
  }
}
