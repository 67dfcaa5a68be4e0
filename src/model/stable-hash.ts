import xxhash from 'xxhash-wasm';

// xxHash64, seed 0, over length-prefixed UTF-8: the one hash of the product (partitions, ids). Its golden vectors are in
// test/golden/stable-hash.json; never a hash whose seed we don't own (Ceilometer used Python's, salted per process).
const { h64, h64Raw } = await xxhash();

const encoder = new TextEncoder();

/** `["ab","c"]` and `["a","bc"]` differ: each part is preceded by its byte length and a colon. */
export function canonicalParts(parts: readonly string[]): string {
  let text = '';
  for (const part of parts) text += `${part.length}:${part}`;
  if (!beyondAscii.test(text)) return text;
  text = '';
  for (const part of parts) text += `${encoder.encode(part).length}:${part}`;
  return text;
}

const beyondAscii = /[^\u0000-\u007f]/;

/** Unsigned 64 bits, the same in every process, version and machine. */
export function stableHash(parts: readonly string[]): bigint {
  return h64(canonicalParts(parts), 0n);
}

/** The same hash of bytes as they are, without lengths. */
export function stableHashOfBytes(bytes: Uint8Array): bigint {
  return h64Raw(bytes, 0n);
}

/** The partition of a key: `stableHash mod partitions`. */
export function partitionOf(keyValues: readonly string[], partitions: number): number {
  return partitions === 1 ? 0 : Number(stableHash(keyValues) % BigInt(partitions));
}

/**
 * A 128-bit id with the shape of a UUID version 8 (custom): xxHash64 of the parts under seeds 0 and 1. A pure function of its
 * parts: never random, never a time.
 */
export function stableId(parts: readonly string[]): string {
  return stableIdOf(canonicalParts(parts));
}

/** The same of `canonicalParts(parts)`, which may be put together from those of some parts and of the others. */
export function stableIdOf(text: string): string {
  const a = h64(text, 0n).toString(16).padStart(16, '0');
  const b = h64(text, 1n).toString(16).padStart(16, '0');
  return `${a.slice(0, 8)}-${a.slice(8, 12)}-8${a.slice(13, 16)}-a${b.slice(1, 4)}-${b.slice(4)}`;
}
