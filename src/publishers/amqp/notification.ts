import { quoteJson } from '../../model/json-text.ts';

export interface OsloNotification {
  /** Stable over retries: oslo.messaging skips a `_unique_id` among the last 16 it acknowledged. */
  readonly id: string;
  readonly publisherId: string;
  readonly eventType: string;
  /** Signed messages with commas between them, each a JSON text. */
  readonly payload: string;
  readonly now: number;
}

/** An oslo.messaging notification (envelope 2.0) at priority `sample`, whose payload is the list: what Ceilometer's `notifier://` sends. */
export function toOsloNotification({ id, publisherId, eventType, payload, now }: OsloNotification): string {
  const inner =
    `{"message_id":${quoteJson(id)},"publisher_id":${quoteJson(publisherId)},"event_type":${quoteJson(eventType)},"priority":"SAMPLE",` +
    `"payload":[${payload}],"timestamp":"${osloTimestamp(now)}","_unique_id":"${id.replaceAll('-', '')}"}`;
  return `{"oslo.version":"2.0","oslo.message":${quoteJson(inner)}}`;
}

/** Naive UTC with microseconds and a space. */
function osloTimestamp(now: number): string {
  return new Date(now).toISOString().replace('T', ' ').replace('Z', '000');
}
