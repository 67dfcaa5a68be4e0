import { type Item, isEvent, itemId } from '../../model/item.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';

export interface Arrived {
  readonly id: string;
  readonly tag: string;
  readonly peer: string;
  readonly atMs: number;
  readonly record: JsonObject;
}

/**
 * What arrived, as a notification. What a spooler of ours sent holds one already. What another program sent is the payload of one: its
 * `event_type` is the tag, its `publisher_id` says where it came from; with fields of a notification of its own it is taken as that.
 */
export function toNotification({ id, tag, peer, atMs, record }: Arrived): JsonObject {
  const context = Object.hasOwn(record, 'context') ? record['context'] : undefined;
  if (Object.hasOwn(record, 'uuid') && isObject(context)) return context;
  if (Object.hasOwn(record, 'event_type') && Object.hasOwn(record, 'payload')) return record;
  return {
    message_id: id,
    publisher_id: `forward.${peer}`,
    event_type: tag,
    priority: 'info',
    timestamp: naiveUtc(atMs),
    payload: record,
  };
}

/**
 * An item as a notification: a sample as polling agents send theirs, so that the other site has the same sample under the same id; an
 * event with what it was made of where it kept that (`store_raw`), else with its traits as payload.
 */
export function itemNotification(item: Item, site: string): JsonObject {
  const common = { message_id: itemId(item), publisher_id: `ceilograph.${site}` };
  if (isEvent(item)) {
    const { raw } = item;
    if (isObject(raw) && Object.hasOwn(raw, 'payload')) return { ...raw, message_id: item.message_id };
    const traits = Object.fromEntries(item.traits.map(([name, , value]) => [name, value]));
    return { ...common, event_type: item.event_type, priority: 'info', timestamp: item.generated, payload: traits };
  }
  const { id, name, type, unit, volume, monotonic_time, ...rest } = item;
  const sample = {
    counter_name: name,
    counter_type: type,
    counter_unit: unit,
    counter_volume: volume,
    message_id: id,
    monotonic_time,
    ...(rest as unknown as JsonObject),
  };
  const payload: Json = { samples: [sample] };
  return { ...common, event_type: 'telemetry.polling', priority: 'sample', timestamp: item.timestamp, payload };
}

const furthestMs = 8.64e15;

/** `2024-03-04 05:06:07.123000`, as services write it. A time that no calendar has is the first one. */
function naiveUtc(ms: number): string {
  const text = new Date(Math.abs(ms) <= furthestMs ? ms : 0).toISOString();
  return `${text.slice(0, -1).replace('T', ' ')}000`;
}
