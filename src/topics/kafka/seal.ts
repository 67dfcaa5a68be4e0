import type { FetchedMessage } from '../../lib/kafka-client.ts';
import type { KeyRing } from '../../lib/key-ring.ts';

/** What stands in the headers of each message of ours: who vouches for its bytes in this partition. */
export function sealed(keys: KeyRing, place: string, bytes: Uint8Array): { readonly kid: string; readonly mac: string } {
  return { ...keys.sign(place, bytes) };
}

/** Null when the signature is right; else why the message is not vouched for. One that was moved to another partition is a forgery there. */
export function whyUnsealed(keys: KeyRing, place: string, message: FetchedMessage): string | null {
  const [kid, mac] = [header(message, 'kid'), header(message, 'mac')];
  if (kid === null || mac === null) return 'it carries no signature';
  if (keys.verify({ kid, mac }, place, message.value ?? new Uint8Array(0))) return null;
  return `its signature by the key ${kid.slice(0, 64)} is wrong, or the key is not accepted here`;
}

export function header({ headers }: FetchedMessage, name: string): string | null {
  const value = headers !== undefined && Object.hasOwn(headers, name) ? headers[name] : undefined;
  return value instanceof Uint8Array ? Buffer.from(value).toString() : typeof value === 'string' ? value : null;
}

/** The first entry of a partition, which counts as none of its entries; for who looks into the topic. */
export const genesisHeader = { type: 'genesis' };
