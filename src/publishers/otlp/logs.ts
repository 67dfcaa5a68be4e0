import { type Event, traitTypes } from '../../model/event.ts';
import type { JsonObject } from '../../model/json.ts';
import { nanosOf } from '../metric.ts';
import { attributes } from './metrics.ts';

/** `LogRecord` of an event: its type is the name, its traits are attributes, its id is one of them. */
export function toLogRecord(event: Event): JsonObject {
  const nanos = nanosOf(event.generated);
  const isError = event.event_type.endsWith('.error');
  return {
    ...(nanos === null ? {} : { timeUnixNano: String(nanos) }),
    severityNumber: isError ? 17 : 9,
    severityText: isError ? 'ERROR' : 'INFO',
    eventName: event.event_type,
    body: { stringValue: event.event_type },
    attributes: attributes([
      ['event.id', event.message_id],
      ...event.traits.map(([name, dtype, value]) => [name, dtype === traitTypes.datetime ? `${String(value)}Z` : value] as const),
    ]),
  };
}
