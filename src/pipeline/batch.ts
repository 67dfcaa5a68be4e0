import { joinText, type TextPiece } from '../lib/text-pieces.ts';
import { type Item, itemId } from '../model/item.ts';
import { stableId } from '../model/stable-hash.ts';
import type { Batch } from '../publishers/publisher.ts';
import type { ItemCodec } from './item-codec.ts';

/** A batch for a publisher. `lines`: the items' JSON Lines, when they are at hand already. */
export function makeBatch(items: readonly Item[], codec: ItemCodec, replay: boolean, lines?: string): Batch {
  const texts = lines === undefined ? undefined : [lines];
  return batchOf(items.length, () => items, codec, replay, texts);
}

/** Of the lines alone; the items are read from them by whoever asks for them, once. */
export function textBatch(texts: readonly TextPiece[], count: number, codec: ItemCodec, replay: boolean): Batch {
  let items: readonly Item[] | undefined;
  const read = () => {
    items ??= codec.parse(joinText(texts));
    return items;
  };
  return batchOf(count, read, codec, replay, texts);
}

function batchOf(
  count: number,
  read: () => readonly Item[],
  codec: ItemCodec,
  replay: boolean,
  given?: readonly TextPiece[],
): Batch {
  let pieces = given;
  const texts = () => {
    pieces ??= [codec.lines(read())];
    return pieces;
  };
  let joined: string | undefined;
  let messages: readonly string[] | undefined;
  let id: string | undefined;
  return {
    count,
    get items() {
      return read();
    },
    // Few targets ask for it, and hashing all ids costs a tenth of writing the lines.
    get id() {
      id ??= stableId(read().map(itemId));
      return id;
    },
    replay,
    texts,
    lines: () => {
      joined ??= joinText(texts());
      return joined;
    },
    messages: () => {
      messages ??= read().map((item) => codec.message(item));
      return messages;
    },
    messagesFrom: (publisherId) => read().map((item) => codec.message(item, publisherId)),
    fileTexts: (form) => read().map((item) => codec.fileText(item, form)),
  };
}
