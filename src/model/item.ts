import type { Event } from './event.ts';
import type { Sample } from './sample.ts';

/** What flows through a pipeline. A sink takes one of the two kinds (`from: samples | events`). */
export type Item = Sample | Event;
export type ItemKind = 'samples' | 'events';

export function isEvent(item: Item): item is Event {
  return 'event_type' in item;
}

export function itemId(item: Item): string {
  return isEvent(item) ? item.message_id : item.id;
}

/** The same content under another id: what a transformer emits is renamed by the chain, never by the transformer. */
export function withId(item: Item, id: string): Item {
  return isEvent(item) ? { ...item, message_id: id } : { ...item, id };
}

/** Event time in ISO form: a sample's `timestamp` or an event's `generated` (naive means UTC). */
export function itemTime(item: Item): string {
  return isEvent(item) ? item.generated : item.timestamp;
}
