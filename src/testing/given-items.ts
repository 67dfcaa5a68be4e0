import { timeText } from '../core/transformers/time-text.ts';
import { type Event, type Trait, traitTypes } from '../model/event.ts';
import { Float, isObject, type Json, type JsonObject } from '../model/json.ts';
import { printJson } from '../model/json-text.ts';
import type { Sample } from '../model/sample.ts';

/** What a test leaves out is filled in: enough to write only what the case is about. `place` makes ids that do not repeat. */
export interface Filling {
  readonly place: number;
  /** Epoch ms. */
  readonly now: number;
}

/** The raw message, so that it is decoded as every other. */
export function givenNotification(fields: JsonObject, { place, now }: Filling): Uint8Array {
  const filled = {
    message_id: `notification-${place}`,
    publisher_id: 'test',
    priority: 'info',
    timestamp: naive(now).replace('T', ' '),
    ...fields,
  };
  return encoder.encode(printJson(filled));
}
const encoder = new TextEncoder();

export function givenSample(fields: JsonObject, { place, now }: Filling): Sample {
  const sample = {
    id: `sample-${place}`,
    source: 'openstack',
    type: 'gauge',
    unit: '',
    user_id: null,
    user_name: null,
    project_id: null,
    project_name: null,
    resource_id: 'resource',
    timestamp: timeText(now),
    resource_metadata: {},
    monotonic_time: null,
    ...fields,
  };
  return sample as unknown as Sample; // its name and volume were asked for, its fields looked at, by the schema
}

export function givenEvent(fields: JsonObject, { place, now }: Filling): Event {
  const { traits = [], ...rest } = fields;
  const event = { message_id: `event-${place}`, generated: naive(now), raw: {}, ...rest, traits: toTraits(traits) };
  return event as unknown as Event;
}

function toTraits(written: Json): readonly Trait[] {
  if (!isObject(written)) return written as unknown as readonly Trait[];
  return Object.entries(written).map(([name, value]): Trait => [name, typeOf(value), value]);
}

function typeOf(value: Json): Trait[1] {
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return traitTypes.int;
  return typeof value === 'number' || value instanceof Float ? traitTypes.float : traitTypes.text;
}

/** Naive UTC, as OpenStack's services write a time. */
function naive(ms: number): string {
  return timeText(ms).replace(/\+00:00$/, '');
}
