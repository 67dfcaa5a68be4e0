import type { Item } from '../model/item.ts';
import { Float } from '../model/json.ts';
import type { ItemCodec } from './item-codec.ts';
import type { Blob } from './lane-queue.ts';

export interface Unspeakable {
  readonly item: Item;
  readonly message: string;
  readonly error: unknown;
  /** Near enough to JSON for a person to see what it was. */
  readonly text: string;
}

/**
 * Parts the items that JSON cannot say (an infinite volume, as a division by zero makes it) from the others, which get their lines.
 * In the ordinary case that is one encoding of everything.
 */
export function splitUnspeakable(blob: Blob, codec: ItemCodec): { readonly good: Blob; readonly bad: readonly Unspeakable[] } {
  if (blob.lines !== undefined) return { good: blob, bad: [] };
  try {
    return { good: { ...blob, lines: codec.lines(blob.items) }, bad: [] };
  } catch {
    return oneByOne(blob, codec); // it tells which
  }
}

function oneByOne(blob: Blob, codec: ItemCodec): { readonly good: Blob; readonly bad: readonly Unspeakable[] } {
  const items: Item[] = [];
  const bad: Unspeakable[] = [];
  let lines = '';
  for (const item of blob.items) {
    try {
      lines += codec.lines([item]);
      items.push(item);
    } catch (error) {
      bad.push({ item, message: error instanceof Error ? error.message : String(error), error, text: nearlyJson(item) });
    }
  }
  return { good: { ...blob, items, lines }, bad };
}

function nearlyJson(item: Item): string {
  return `${JSON.stringify(item, (_key, value: unknown) => {
    if (value instanceof Float || typeof value === 'bigint') return String(value.valueOf());
    return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  })}\n`;
}
