import { joinBytes, joinText, sizeOf, type TextPiece } from '../lib/text-pieces.ts';
import { type Item, itemId } from '../model/item.ts';
import type { OutputTraces } from '../model/output-traces.ts';
import { stableHashOfBytes, stableId } from '../model/stable-hash.ts';
import type { Batch, TextForm } from '../publishers/publisher.ts';
import type { ItemCodec } from './item-codec.ts';

/** A batch for a publisher. `lines`: the items' JSON Lines, when they are at hand already. */
export function makeBatch(
  items: readonly Item[],
  codec: ItemCodec,
  replay: boolean,
  lines?: string,
  traces?: OutputTraces,
): Batch {
  const given = lines === undefined ? {} : { lines: [lines] };
  return batchOf(
    items.length,
    () => items,
    codec,
    replay,
    given,
    () => stableId(items.map(itemId)),
    traces,
  );
}

/** Of the text alone, in the form that the publisher takes; the items are read from it by whoever asks for them, once. */
export function textBatch(
  texts: readonly TextPiece[],
  count: number,
  codec: ItemCodec,
  replay: boolean,
  takes: TextForm = 'lines',
  traces?: OutputTraces,
): Batch {
  let items: readonly Item[] | undefined;
  const read = () => {
    items ??= codec.parse(joinText(texts));
    return items;
  };
  const id = () => stableId([stableHashOfBytes(joinBytes(texts)).toString(16), `${count}`]);
  return batchOf(count, read, codec, replay, { [takes]: texts }, id, traces);
}

type Texts = { readonly [form in TextForm]?: readonly TextPiece[] };

function batchOf(
  count: number,
  read: () => readonly Item[],
  codec: ItemCodec,
  replay: boolean,
  given: Texts,
  toId: () => string,
  traces: OutputTraces | undefined,
): Batch {
  let { lines: pieces, messages: messagePieces } = given;
  const texts = () => {
    pieces ??= [codec.lines(read())];
    return pieces;
  };
  let joined: string | undefined;
  let messages: readonly string[] | undefined;
  let id: string | undefined;
  return {
    count,
    get bytes() {
      return sizeOf(given.messages ?? texts());
    },
    get items() {
      return read();
    },
    // Few targets ask for it, and hashing all ids costs a tenth of writing the lines.
    get id() {
      id ??= toId();
      return id;
    },
    replay,
    traces,
    texts,
    lines: () => {
      joined ??= joinText(texts());
      return joined;
    },
    messages: () => {
      messages ??= read().map((item) => codec.message(item));
      return messages;
    },
    messageTexts: () => {
      messagePieces ??= [codec.messageLines(read())];
      return messagePieces;
    },
    messagesFrom: (publisherId) => read().map((item) => codec.message(item, publisherId)),
    fileTexts: (form) => read().map((item) => codec.fileText(item, form)),
  };
}
