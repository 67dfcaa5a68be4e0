import { Float, type Json, type JsonObject } from '../../model/json.ts';
import { badFrame, EventTime, isPackedMap, type Packed } from '../../model/msgpack-value.ts';
import { MsgpackWriter } from '../../model/msgpack-writer.ts';
import { MsgpackReader } from './msgpack-reader.ts';

/** One notification on its way: `[time, {uuid, site, hops, context}]` on the wire and on disk. */
export interface SpoolEntry {
  /** Told apart by it wherever it comes a second time. */
  readonly uuid: string;
  /** Where it was spooled. */
  readonly site: string;
  /** Sites it went through; more than a few is a loop. */
  readonly hops: number;
  readonly atMs: number;
  /** The notification itself. */
  readonly context: JsonObject;
}

export function packEntry({ uuid, site, hops, atMs, context }: SpoolEntry): Uint8Array {
  return new MsgpackWriter()
    .array(2)
    .value(EventTime.ofMs(atMs))
    .map(4)
    .text('uuid')
    .text(uuid)
    .text('site')
    .text(site)
    .text('hops')
    .value(hops)
    .text('context')
    .value(context as Packed)
    .take();
}

/** The uuid of an entry without reading the rest; `undefined`: a stranger wrote it. Throws `bad_frame` for what is no entry. */
export function uuidOf(entry: Uint8Array): string | undefined {
  const reader = new MsgpackReader(entry);
  if (reader.arrayLength() < 2) throw badFrame('an entry without a record');
  reader.skip();
  const members = reader.mapLength();
  for (let i = 0; i < members; i++) {
    if (reader.value() !== 'uuid') {
      reader.skip();
      continue;
    }
    const uuid = reader.value();
    return typeof uuid === 'string' && uuid.length > 0 && uuid.length <= 200 ? uuid : undefined;
  }
  return undefined;
}

/** Time and record of any entry, a stranger's too. */
export function readEntry(entry: Uint8Array): { readonly atMs: number; readonly record: JsonObject } {
  const [time, record] = new MsgpackReader(entry).value() as readonly Packed[];
  if (!isPackedMap(record)) throw badFrame('a record is no map');
  return { atMs: toMs(time ?? null), record: toJson(record) as JsonObject };
}

function toMs(time: Packed): number {
  if (time instanceof EventTime) return time.ms;
  if (typeof time === 'number' || typeof time === 'bigint') return Number(time) * 1000;
  if (time instanceof Float) return time.value * 1000;
  throw badFrame('a time is neither a number nor an EventTime');
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Bytes become the text they are; what is no text, its hexadecimal digits. */
function toJson(value: Packed): Json {
  if (value instanceof Uint8Array) return bytesText(value);
  if (value instanceof EventTime) return value.ms / 1000;
  if (Array.isArray(value)) return (value as readonly Packed[]).map(toJson);
  if (isPackedMap(value)) return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toJson(member)]));
  return value as Json;
}

function bytesText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }
}
