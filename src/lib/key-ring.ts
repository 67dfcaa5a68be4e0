import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The keys by which agents of one cluster know each other's member records, leases, plans and entries: HMAC-SHA256 over the parts, each
 * with its length before it, so that no two lists of parts read the same. One key signs, several are accepted, so keys change without a
 * pause: accept the new one everywhere, sign with it everywhere, drop the old one.
 */
export interface Signature {
  readonly kid: string;
  /** Hex. */
  readonly mac: string;
}

export interface KeyRing {
  /** The id of the key that signs. */
  readonly active: string;
  sign(...parts: readonly (string | Uint8Array)[]): Signature;
  /** False for an unknown key as for a wrong code; compared in constant time. */
  verify(signature: Signature, ...parts: readonly (string | Uint8Array)[]): boolean;
  /** Is this key one of those accepted? Tells a stranger from a forger. */
  knows(kid: string): boolean;
}

const shortestKey = 32;
const macShape = /^[0-9a-f]{64}$/;

/** `keys` by their id; throws when the active one is missing or a key is shorter than 32 bytes. */
export function createKeyRing(active: string, keys: ReadonlyMap<string, string | Uint8Array>): KeyRing {
  for (const [kid, key] of keys) {
    if (Buffer.byteLength(key) >= shortestKey) continue;
    throw new Error(`the key ${kid} is shorter than ${shortestKey} bytes; make one with: openssl rand -hex 32`);
  }
  const signing = keys.get(active);
  if (signing === undefined) throw new Error(`the active key ${active} is not among the keys given`);
  return {
    active,
    sign: (...parts) => ({ kid: active, mac: code(signing, parts).toString('hex') }),
    verify: ({ kid, mac }, ...parts) => {
      const key = keys.get(kid);
      // Decoding hex stops at the first strange letter: without the shape, a code with rubbish behind it would still be one.
      if (key === undefined || !macShape.test(mac)) return false;
      return timingSafeEqual(Buffer.from(mac, 'hex'), code(key, parts));
    },
    knows: (kid) => keys.has(kid),
  };
}

function code(key: string | Uint8Array, parts: readonly (string | Uint8Array)[]): Buffer {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(`${Buffer.byteLength(part)}:`).update(part);
  return hmac.digest();
}
