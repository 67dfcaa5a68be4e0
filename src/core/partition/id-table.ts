import { IdPage, pageBits, pageCells, pageMask } from './id-page.ts';

/**
 * 64-bit ids with what is known of each, at 15 bytes a cell: open addressing over pages of equal size. The home of an id is its high
 * word scaled to the capacity, so the table stays in order and any number of pages will do: it grows by a twelfth instead of doubling,
 * which keeps an id below 19.5 bytes. An object with a bigint and an entry of a `Map` took 118 to 207. One large buffer instead of
 * pages, given up at every growth, left the allocator with 40 MiB of holes at a million ids.
 *
 * The same id may stand in several cells, under other owners or sequences.
 */
const maxLoad = 0.88;
const growth = 1 / 12;

/** Owners are numbered from 1; 0 marks an empty cell. */
export const maxOwners = 65_535;

/** What a page held while its ids move, so that the page itself can take the first of them. Nothing stays in it. */
const moving = new IdPage();

export class IdTable {
  #pages: (IdPage | null)[] = [null];
  #spare: IdPage[] = [];
  #capacity = pageCells;
  #scale = pageCells / 2 ** 32;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(high: number, low: number): boolean {
    for (let at = this.#home(high), page = this.#pageOf(at); page.owner[at & pageMask] !== 0; ) {
      if (page.high[at & pageMask] === high && page.low[at & pageMask] === low) return true;
      at = this.#next(at);
      if ((at & pageMask) === 0) page = this.#pageOf(at);
    }
    return false;
  }

  *owners(high: number, low: number): Iterable<number> {
    for (let at = this.#home(high); this.owner(at) !== 0; at = this.#next(at))
      if (this.high(at) === high && this.low(at) === low) yield this.owner(at);
  }

  holds(high: number, low: number, seq: number, owner: number): boolean {
    const word = seq >>> 0;
    for (let at = this.#home(high); this.owner(at) !== 0; at = this.#next(at))
      if (this.high(at) === high && this.low(at) === low && this.seq(at) === word && this.owner(at) === owner) return true;
    return false;
  }

  /** Keeps the low 32 bits of `seq` and the low 8 of `stamp`: whoever reads them knows the rest. */
  add(high: number, low: number, seq: number, owner: number, stamp: number): void {
    if (this.#size >= this.#capacity * maxLoad) this.#resize(this.#pages.length + Math.ceil(this.#pages.length * growth));
    this.#put(high, low, seq, owner, stamp);
    this.#size += 1;
  }

  /** Cells stay where they are as long as nothing is added or removed. */
  each(visit: (cell: number) => void): void {
    for (let at = 0; at < this.#capacity; at++) if (this.owner(at) !== 0) visit(at);
  }

  high(cell: number): number {
    return this.#pageOf(cell).high[cell & pageMask] as number;
  }

  low(cell: number): number {
    return this.#pageOf(cell).low[cell & pageMask] as number;
  }

  seq(cell: number): number {
    return this.#pageOf(cell).seq[cell & pageMask] as number;
  }

  owner(cell: number): number {
    return this.#pageOf(cell).owner[cell & pageMask] as number;
  }

  stamp(cell: number): number {
    return this.#pageOf(cell).stamp[cell & pageMask] as number;
  }

  restamp(cell: number, stamp: number): void {
    this.#pageOf(cell).stamp[cell & pageMask] = stamp;
  }

  /**
   * Removes in place. What stands behind a gap moves back towards its home, or it would no longer be found; no run of cells crosses an
   * empty one, so the walk begins at one.
   */
  keepOnly(keep: (cell: number) => boolean): void {
    let at = 0;
    while (this.owner(at) !== 0) at += 1;
    let gap = false;
    for (let step = 1; step < this.#capacity; step++) {
      at = this.#next(at);
      if (this.owner(at) === 0) {
        gap = false;
      } else if (!keep(at)) {
        this.#clear(at);
        this.#size -= 1;
        gap = true;
      } else if (gap) {
        const owner = this.owner(at);
        this.#clear(at);
        this.#put(this.high(at), this.low(at), this.seq(at), owner, this.stamp(at));
      }
    }
    const enough = Math.ceil((this.#size / maxLoad / pageCells) * (1 + growth));
    if (enough < this.#pages.length / 2) this.#resize(Math.max(1, enough));
  }

  #home(high: number): number {
    return Math.floor(high * this.#scale);
  }

  #next(at: number): number {
    return at + 1 === this.#capacity ? 0 : at + 1;
  }

  #pageOf(at: number): IdPage {
    return this.#pages[at >>> pageBits] ?? this.#open(at >>> pageBits);
  }

  /** A page comes when it is first touched. */
  #open(index: number): IdPage {
    const page = this.#spare.pop() ?? new IdPage();
    this.#pages[index] = page;
    return page;
  }

  #clear(at: number): void {
    this.#pageOf(at).owner[at & pageMask] = 0;
  }

  #put(high: number, low: number, seq: number, owner: number, stamp: number): void {
    let at = this.#home(high);
    let page = this.#pageOf(at);
    while (page.owner[at & pageMask] !== 0) {
      at = this.#next(at);
      if ((at & pageMask) === 0) page = this.#pageOf(at);
    }
    page.set(at & pageMask, high, low, seq, owner, stamp);
  }

  /** From the back, where a growing table wants its new pages first: each page that has been emptied is the next one of them. */
  #resize(pages: number): void {
    const old = this.#pages;
    this.#pages = Array.from({ length: pages }, () => null);
    this.#capacity = pages * pageCells;
    this.#scale = this.#capacity / 2 ** 32;
    for (const page of old.reverse()) {
      if (page === null) continue;
      moving.copy(page);
      page.owner.fill(0);
      this.#spare.push(page);
      for (let at = 0; at < pageCells; at++) {
        const owner = moving.owner[at] as number;
        if (owner !== 0)
          this.#put(
            moving.high[at] as number,
            moving.low[at] as number,
            moving.seq[at] as number,
            owner,
            moving.stamp[at] as number,
          );
      }
    }
    // A table that grows has used them all. Pages given up at every growth would leave the allocator full of holes.
    this.#spare = [];
  }
}
