export const pageBits = 11;
export const pageCells = 1 << pageBits;
export const pageMask = pageCells - 1;

/** Cells of an `IdTable`, in one buffer of 30 kB. All pages are of one size, so that the allocator can use a freed one again. */
export class IdPage {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly seq: Uint32Array;
  readonly owner: Uint16Array;
  readonly stamp: Uint8Array;

  constructor() {
    const buffer = new ArrayBuffer(pageCells * 15);
    this.high = new Uint32Array(buffer, 0, pageCells);
    this.low = new Uint32Array(buffer, pageCells * 4, pageCells);
    this.seq = new Uint32Array(buffer, pageCells * 8, pageCells);
    this.owner = new Uint16Array(buffer, pageCells * 12, pageCells);
    this.stamp = new Uint8Array(buffer, pageCells * 14, pageCells);
  }

  copy(other: IdPage): void {
    this.high.set(other.high);
    this.low.set(other.low);
    this.seq.set(other.seq);
    this.owner.set(other.owner);
    this.stamp.set(other.stamp);
  }

  set(cell: number, high: number, low: number, seq: number, owner: number, stamp: number): void {
    this.high[cell] = high;
    this.low[cell] = low;
    this.seq[cell] = seq;
    this.owner[cell] = owner;
    this.stamp[cell] = stamp;
  }
}
