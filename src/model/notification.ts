import type { Json, JsonObject } from './json.ts';

export const priorities = ['audit', 'critical', 'debug', 'error', 'info', 'sample', 'warn'] as const;
export type Priority = (typeof priorities)[number];

/** What came in, decoded once: oslo.messaging envelope v1 or v2, or plain JSON of the same fields. */
export interface Notification {
  readonly message_id: string;
  /** `service.host`; some senders leave it null. */
  readonly publisher_id: string | null;
  readonly event_type: string;
  /** Lower case. */
  readonly priority: Priority;
  readonly payload: Json;
  /** As sent, e.g. `2024-03-04 05:06:07.123456` (naive UTC). */
  readonly timestamp: string;
  /** The context: `_context_*` keys without the prefix. */
  readonly ctxt: JsonObject;
}
