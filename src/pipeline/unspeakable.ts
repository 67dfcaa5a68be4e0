import type { Item } from '../model/item.ts';
import { isEvent } from '../model/item.ts';
import { Float, isObject } from '../model/json.ts';
import type { OutputTraces } from '../model/output-traces.ts';
import { sampleTypes } from '../model/sample.ts';
import type { TextForm } from '../publishers/publisher.ts';
import type { ItemCodec } from './item-codec.ts';
import type { Offered } from './lane-queue.ts';

export interface Unspeakable {
  readonly item: Item;
  readonly message: string;
  readonly error: unknown;
  /** Near enough to JSON for a person to see what it was. */
  readonly text: string;
}

/** Items with the JSON Lines they are kept and published as, and those that have none. */
export interface Spoken {
  readonly items: readonly Item[];
  readonly lines: string;
  readonly bad: readonly Unspeakable[];
}

/**
 * Parts the items whose line no later reader could use (an infinite volume, as a division by zero makes it; a type that is none)
 * from the others. Whoever writes items down asks this first: an outbox that cannot be written stops its partition, and
 * one that cannot be read back stops the next owner too. In the ordinary case it is one encoding of everything.
 */
export function speak(items: readonly Item[], linesOf: ItemCodec['lines']): Spoken {
  if (items.every((item) => flawOf(item) === null)) {
    try {
      return { items, lines: linesOf(items), bad: [] };
    } catch {
      // one by one it shows which
    }
  }
  return oneByOne(items, linesOf);
}

/** The same for what a lane is offered. */
export function splitUnspeakable(
  blob: Offered,
  codec: ItemCodec,
  takes: TextForm | undefined,
): { readonly good: Offered; readonly bad: readonly Unspeakable[] } {
  if (!('items' in blob)) return { good: blob, bad: [] };
  if (takes === 'messages') {
    const { items, lines, bad } = speak(blob.items, codec.messageLines);
    return {
      good: { key: blob.key, count: items.length, texts: [lines], replay: blob.replay, traces: tracesBeside(bad, blob.traces) },
      bad,
    };
  }
  if (blob.lines !== undefined) return { good: blob, bad: [] };
  const { items, lines, bad } = speak(blob.items, codec.lines);
  return { good: { ...blob, items, lines, traces: tracesBeside(bad, blob.traces) }, bad };
}

/** Of those that are not bad. They go by the place, and what is missing moves the others: in that rare case none has one. */
export function tracesBeside(bad: readonly Unspeakable[], traces: OutputTraces | undefined): OutputTraces | undefined {
  return bad.length === 0 ? traces : undefined;
}

/** The line of one item, or what comes nearest to it: for the letters that tell of it. */
export function lineOf(item: Item, linesOf: ItemCodec['lines']): string {
  const { lines, bad } = speak([item], linesOf);
  return bad[0]?.text ?? lines;
}

function oneByOne(items: readonly Item[], linesOf: ItemCodec['lines']): Spoken {
  const good: Item[] = [];
  const bad: Unspeakable[] = [];
  let lines = '';
  for (const item of items) {
    const flaw = flawOf(item);
    if (flaw !== null) {
      bad.push({ item, message: flaw, error: undefined, text: nearlyJson(item) });
      continue;
    }
    try {
      lines += linesOf([item]);
      good.push(item);
    } catch (error) {
      bad.push({ item, message: error instanceof Error ? error.message : String(error), error, text: nearlyJson(item) });
    }
  }
  return { items: good, lines, bad };
}

// A definition or a lenient parameter may put anything into a field that is a text by its type; `parseItemLine` refuses these then.
function flawOf(item: Item): string | null {
  if (isEvent(item)) return textFlaw(item, ['message_id', 'event_type', 'generated']);
  if (!sampleTypes.includes(item.type)) return `type is ${short(item.type)}, expected ${sampleTypes.join(', ')}`;
  if (!isObject(item.resource_metadata)) return 'resource_metadata is not an object';
  return textFlaw(item, ['id', 'name', 'timestamp']);
}

function textFlaw<T extends Item>(item: T, names: readonly (keyof T & string)[]): string | null {
  for (const name of names) if (typeof item[name] !== 'string') return `${name} is ${short(item[name])}, expected a text`;
  return null;
}

function short(value: unknown): string {
  return (plainText(value) ?? 'missing').slice(0, 80);
}

function nearlyJson(item: Item): string {
  return `${plainText(item)}\n`;
}

function plainText(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner instanceof Float || typeof inner === 'bigint') return String(inner.valueOf());
    return typeof inner === 'number' && !Number.isFinite(inner) ? String(inner) : inner;
  });
}
