import type { MessageProperties } from 'amqplib';
import type { KeyRing } from '../../lib/key-ring.ts';

/** What stands in the headers of each message of ours: who vouches for its bytes in this queue, and when it was made (epoch ms). */
export interface Seal {
  readonly kid: string;
  readonly mac: string;
  readonly at: number;
}

/** The name of the queue is signed too: a message moved to another partition is a forgery there. */
export function sealed(keys: KeyRing, queue: string, bytes: Uint8Array, at: number): Seal {
  return { ...keys.sign(queue, bytes), at };
}

/** Null when the signature is right; else why the message is not vouched for. */
export function whyUnsealed(keys: KeyRing, queue: string, properties: MessageProperties, bytes: Uint8Array): string | null {
  const { kid, mac } = (properties.headers ?? {}) as Record<string, unknown>;
  if (typeof kid !== 'string' || typeof mac !== 'string') return 'it carries no signature';
  if (keys.verify({ kid, mac }, queue, bytes)) return null;
  return `its signature by the key ${kid.slice(0, 64)} is wrong, or the key is not accepted here`;
}

export function madeAt(properties: MessageProperties): number | null {
  const at: unknown = (properties.headers as Record<string, unknown> | undefined)?.['at'];
  return typeof at === 'number' ? at : null;
}

/** The first entry of a partition, which counts as none of its entries. */
export const genesisType = 'genesis';

export function isGenesis(properties: MessageProperties): boolean {
  return properties.type === genesisType;
}
