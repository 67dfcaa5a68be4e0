import { Fault } from '../model/faults.ts';
import { isObject } from '../model/json.ts';
import type { Notification } from '../model/notification.ts';

/**
 * A canary goes through an input's own raw source and proves that the feed lives: when it comes back, all that was sent before it
 * has come. Sinks with deadlines stop their partition time while any input's canary is late.
 */
const canaryEventType = 'ceilograph.canary';
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

/** When it was sent, epoch ms. Anybody may write to the raw source: throws poison `bad_canary` for what is none of ours. */
export function sentAt(notification: Notification): number {
  const payload = isObject(notification.payload) ? notification.payload : {};
  const at = Object.hasOwn(payload, 'sent_at') ? payload['sent_at'] : undefined;
  if (typeof at !== 'number' || !Number.isSafeInteger(at) || at < 0)
    throw new Fault('poison', 'bad_canary', 'a canary says no time at which it was sent');
  return at;
}

/** The feeds of an input that a sink with deadlines waits for: one per raw queue, or the input as a whole. */
export function feedsOf(input: string, queues: readonly string[]): readonly string[] {
  return queues.length === 0 ? [input] : queues.map((queue) => `${input}/${queue}`);
}

const ownOrigin = 'canary:';

/** Which feeds a canary speaks for: the queue it came back through, or all of the input when it is our own stand-in. */
export function feedsShown(feeds: readonly string[], origin: string): readonly string[] {
  if (origin.startsWith(ownOrigin)) return feeds;
  const queue = origin.slice(origin.lastIndexOf('/') + 1);
  return feeds.filter((feed) => feed.endsWith(`/${queue}`));
}

export function ownCanaryOrigin(input: string): string {
  return `${ownOrigin}${input}`;
}
