const largest = 0x10000;

/**
 * A Snappy block that holds its input as it is: the length, then literals. Every decoder reads it; compressing would take a library, and what we
 * send to a receiver in the same rack is small.
 */
export function snappyLiteral(input: Uint8Array): Buffer {
  const parts: Buffer[] = [varint(input.length)];
  for (let at = 0; at < input.length; at += largest) {
    const chunk = input.subarray(at, at + largest);
    // Tag 61: a literal whose length minus one follows in two bytes, little-endian.
    const tag = Buffer.of(61 << 2, 0, 0);
    tag.writeUInt16LE(chunk.length - 1, 1);
    parts.push(tag, Buffer.from(chunk));
  }
  return Buffer.concat(parts);
}

/** Little-endian groups of seven bits, as in Protocol Buffers. */
export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
