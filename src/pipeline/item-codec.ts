import type { Item } from '../model/item.ts';
import { isEvent } from '../model/item.ts';
import type { Json } from '../model/json.ts';
import { parseJson, printJson } from '../model/json-text.ts';

/** How items become text. Handed to lanes, so that what they promise can be tested with any items. */
export interface ItemCodec {
  /** JSON Lines, one per item, each with its newline. */
  lines(items: readonly Item[]): string;
  parse(text: string): Item[];
  /** The signed message of Ceilometer's wire model, as a JSON text. */
  message(item: Item): string;
}

export const plainCodec: ItemCodec = {
  lines: (items) => items.map((item) => `${printJson(item as unknown as Json)}\n`).join(''),
  parse: (text) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => parseJson(line) as unknown as Item),
  message: (item) => printJson((isEvent(item) ? item : { ...item, message_id: item.id }) as unknown as Json),
};
