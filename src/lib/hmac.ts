import { createHash, createHmac, hash } from 'node:crypto';

// HMAC-SHA256 of many short texts under one key. The key's two blocks are prepared once and the text is written into a reused
// buffer; one-shot hashes then cost a third less than a `createHmac` per text.

const blockSize = 64;
const digestSize = 32;

/** Hex HMAC-SHA256 under `secret` (UTF-8); an empty secret gives empty signatures, as Ceilometer does. */
export function createSigner(secret: string): ((text: string) => string) & { readonly empty?: boolean } {
  if (secret === '') return Object.assign(() => '', { empty: true });
  const encoded = Buffer.from(secret, 'utf8');
  const key = Buffer.alloc(blockSize);
  (encoded.length > blockSize ? createHash('sha256').update(encoded).digest() : encoded).copy(key);
  let inner = Buffer.alloc(4096);
  const outer = Buffer.alloc(blockSize + digestSize);
  for (let i = 0; i < blockSize; i++) {
    inner[i] = (key[i] as number) ^ 0x36;
    outer[i] = (key[i] as number) ^ 0x5c;
  }
  return (text) => {
    const most = blockSize + text.length * 3;
    if (most > inner.length) {
      if (text.length > 1 << 20) return createHmac('sha256', encoded).update(text, 'utf8').digest('hex');
      inner = Buffer.concat([inner.subarray(0, blockSize), Buffer.alloc(most)]);
    }
    const length = inner.write(text, blockSize, 'utf8');
    // As a text of 32 characters: a Buffer for it costs half as much as hashing.
    outer.write(hash('sha256', inner.subarray(0, blockSize + length), 'binary'), blockSize, 'latin1');
    return hash('sha256', outer, 'hex');
  };
}
