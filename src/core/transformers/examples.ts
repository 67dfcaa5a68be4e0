import type { Event } from '../../model/event.ts';
import type { Item } from '../../model/item.ts';
import { itemTime } from '../../model/item.ts';
import type { Json } from '../../model/json.ts';
import { printJson } from '../../model/json-text.ts';
import type { Sample } from '../../model/sample.ts';
import { createChain } from './chain.ts';
import { parseEventTime } from './event-time.ts';
import type { AnyTransformer, Example } from './transformer.ts';

/** An item of an example with everything it does not name filled in; an event when it has an event type. */
export function exampleItem(given: Readonly<Record<string, Json>>, place = 0): Item {
  if (Object.hasOwn(given, 'event_type')) {
    const event = {
      message_id: `example-${place}`,
      event_type: '',
      generated: '2024-03-04T05:00:00',
      traits: [],
      raw: {},
      ...given,
    };
    return event as unknown as Event;
  }
  const sample = {
    id: `example-${place}`,
    source: 'openstack',
    name: 'meter',
    type: 'gauge',
    unit: 'B',
    volume: 1,
    user_id: 'u1',
    user_name: null,
    project_id: 'p1',
    project_name: null,
    resource_id: 'r1',
    timestamp: '2024-03-04T05:00:00+00:00',
    resource_metadata: {},
    monotonic_time: null,
    ...given,
  };
  return sample as unknown as Sample;
}

/** Each item is a notification; then the example's time passes on both clocks. Throws when anything but `expect` came out. */
export function runExample(transformer: AnyTransformer, parameters: unknown, example: Example): void {
  const chain = createChain({ cluster: 'example', sink: transformer.name, steps: [{ transformer, parameters }] });
  const out: Item[] = [];
  let watermark = Number.NEGATIVE_INFINITY;
  example.given.forEach((given, i) => {
    const item = exampleItem(given, i);
    watermark = Math.max(watermark, parseEventTime(itemTime(item)));
    out.push(...chain.applyNotification(`example ${i}`, [item], { partition: 0, watermark, now: watermark }).out);
    out.push(...chain.advance({ partition: 0, watermark, now: watermark }).out);
  });
  const later = example.thenMs ?? 0;
  out.push(...chain.advance({ partition: later, watermark: watermark + later, now: watermark + later }).out);
  if (out.length !== example.expect.length) throw differs(example, `${out.length} items instead of ${example.expect.length}`);
  example.expect.forEach((expected, i) => {
    for (const [field, value] of Object.entries(expected)) {
      const found = (out[i] as unknown as Readonly<Record<string, Json>>)[field] ?? null;
      if (printJson(found) !== printJson(value))
        throw differs(example, `${field} of item ${i + 1} is ${printJson(found)}, not ${printJson(value)}`);
    }
  });
}

function differs(example: Example, how: string): Error {
  return new Error(`The example "${example.title}" gives something else: ${how}`);
}
