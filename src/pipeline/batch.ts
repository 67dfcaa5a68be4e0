import { type Item, itemId } from '../model/item.ts';
import { stableId } from '../model/stable-hash.ts';
import type { Batch } from '../publishers/publisher.ts';
import type { ItemCodec } from './item-codec.ts';

/** A batch for a publisher. `lines`: the items' JSON Lines, when they are at hand already. */
export function makeBatch(items: readonly Item[], codec: ItemCodec, replay: boolean, lines?: string): Batch {
  let encoded = lines;
  let messages: readonly string[] | undefined;
  let id: string | undefined;
  return {
    items,
    // Few targets ask for it, and hashing all ids costs a tenth of writing the lines.
    get id() {
      id ??= stableId(items.map(itemId));
      return id;
    },
    replay,
    lines: () => {
      encoded ??= codec.lines(items);
      return encoded;
    },
    messages: () => {
      messages ??= items.map((item) => codec.message(item));
      return messages;
    },
    messagesFrom: (publisherId) => items.map((item) => codec.message(item, publisherId)),
    fileTexts: (form) => items.map((item) => codec.fileText(item, form)),
  };
}
