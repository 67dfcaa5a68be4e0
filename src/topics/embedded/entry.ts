/**
 * A stored entry: what stood before it in the partition, then its bytes. The running sums make settling and measuring one read
 * each, however many entries lie between.
 *
 * | bytes | value |
 * |-------|-------|
 * | 0–7   | entries up to and including this one (float64; the genesis entry counts as none) |
 * | 8–15  | their bytes |
 * | 16–23 | when it was appended, epoch ms |
 * | 24…   | the entry |
 */
export interface EntryHeader {
  readonly entries: number;
  readonly bytes: number;
  readonly atMs: number;
}

const headerBytes = 24;

export function encodeEntry(header: EntryHeader, entry: Uint8Array): Uint8Array {
  const stored = Buffer.allocUnsafe(headerBytes + entry.length);
  stored.writeDoubleBE(header.entries, 0);
  stored.writeDoubleBE(header.bytes, 8);
  stored.writeDoubleBE(header.atMs, 16);
  stored.set(entry, headerBytes);
  return stored;
}

export function decodeHeader(stored: Uint8Array): EntryHeader {
  const view = new DataView(stored.buffer, stored.byteOffset, headerBytes);
  return { entries: view.getFloat64(0), bytes: view.getFloat64(8), atMs: view.getFloat64(16) };
}

/** A copy: what the database hands out is only valid until its next read. */
export function entryBytes(stored: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(stored, headerBytes);
}
