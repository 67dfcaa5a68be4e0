import { parseJson } from '../model/json-text.ts';
import { pack } from '../model/msgpack-writer.ts';
import { PartialFault } from './publisher.ts';

/**
 * Ceilometer's signed messages as MessagePack, one per item. What MessagePack cannot say (an integer beyond 64 bits) is in `refused`, with
 * its reason, and has no bytes.
 */
export function packMessages(messages: readonly string[]): {
  readonly packed: readonly (Uint8Array | null)[];
  readonly refused: Map<number, string>;
} {
  const refused = new Map<number, string>();
  const packed = messages.map((message, index) => {
    try {
      return pack(parseJson(message), 'refuse');
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      refused.set(index, 'MessagePack has no integers beyond 64 bits');
      return null;
    }
  });
  return { packed, refused };
}

export function throwRefused(refused: ReadonlyMap<number, string>): void {
  if (refused.size > 0) throw new PartialFault(refused);
}
