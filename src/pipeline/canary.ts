import { isObject } from '../model/json.ts';
import type { Notification } from '../model/notification.ts';

/**
 * A canary goes through an input's own raw source and proves that the feed lives: when it comes back, all that was sent before it
 * has come. Sinks with deadlines stop their partition time while any input's canary is late.
 */
export const canaryEventType = 'ceilograph.canary';
export const canaryEveryMs = 5_000;

export function canaryBody(input: string, sentAt: number): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify({
      message_id: `canary-${input}-${sentAt}`,
      publisher_id: 'ceilograph',
      event_type: canaryEventType,
      priority: 'INFO',
      timestamp: new Date(sentAt).toISOString(),
      payload: { input, sent_at: sentAt },
    }),
  );
}

export function isCanary(notification: Notification): boolean {
  return notification.event_type === canaryEventType;
}

export function canaryOf(notification: Notification): readonly [input: string, sentAt: number] {
  const payload = isObject(notification.payload) ? notification.payload : {};
  return [String(payload['input']), Number(payload['sent_at'])];
}
