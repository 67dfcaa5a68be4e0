/**
 * A set of 64-bit ids at about 16 bytes each: open addressing over pairs of 32-bit words. A million ids in a `Set` of strings
 * would cost six times as much. The pair (0, 0) marks an empty cell, so an id that hashes to 0 is kept as (1, 0).
 */
export class IdSet {
  #cells: Uint32Array;
  #mask: number;
  #size = 0;

  constructor(capacity = 64) {
    this.#cells = new Uint32Array(capacity * 2);
    this.#mask = capacity - 1;
  }

  get size(): number {
    return this.#size;
  }

  has(id: bigint): boolean {
    return this.#cells[this.#find(low(id), high(id)) * 2] !== 0 || this.#cells[this.#find(low(id), high(id)) * 2 + 1] !== 0;
  }

  add(id: bigint): void {
    if (this.#size * 4 >= (this.#mask + 1) * 3) this.#grow();
    this.#put(low(id), high(id));
  }

  #put(lo: number, hi: number): void {
    const at = this.#find(lo, hi) * 2;
    if (this.#cells[at] !== 0 || this.#cells[at + 1] !== 0) return;
    this.#cells[at] = lo;
    this.#cells[at + 1] = hi;
    this.#size += 1;
  }

  #find(lo: number, hi: number): number {
    let at = (lo ^ hi) & this.#mask;
    for (;;) {
      const cellLo = this.#cells[at * 2];
      const cellHi = this.#cells[at * 2 + 1];
      if ((cellLo === lo && cellHi === hi) || (cellLo === 0 && cellHi === 0)) return at;
      at = (at + 1) & this.#mask;
    }
  }

  #grow(): void {
    const old = this.#cells;
    this.#cells = new Uint32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    this.#size = 0;
    for (let i = 0; i < old.length; i += 2) {
      const lo = old[i] as number;
      const hi = old[i + 1] as number;
      if (lo !== 0 || hi !== 0) this.#put(lo, hi);
    }
  }
}

function low(id: bigint): number {
  const lo = Number(id & 0xffffffffn);
  return lo === 0 && id === 0n ? 1 : lo;
}

function high(id: bigint): number {
  return Number(id >> 32n);
}
