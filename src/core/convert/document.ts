import type { Json, JsonObject } from '../../model/json.ts';
import type { Notification } from '../../model/notification.ts';
import { toIsoFormat } from '../python/datetime.ts';

/**
 * One notification while it is converted: what the paths of definitions are evaluated on, and what several definitions need,
 * computed at most once.
 */
export class NotificationDocument {
  readonly notification: Notification;
  /** As a Ceilometer endpoint sees it. */
  readonly root: JsonObject;
  readonly #metadata: (JsonObject | undefined)[] = [];
  readonly #found: { user_id?: Json; project_id?: Json } = {};
  #payloadMetadata: JsonObject | undefined;
  #sampleTime: string | undefined;

  constructor(notification: Notification) {
    const { ctxt, publisher_id, event_type, payload, message_id, timestamp } = notification;
    this.notification = notification;
    this.root = { ctxt, publisher_id, event_type, payload, metadata: { message_id, timestamp } };
  }

  /** What is found the same way for several samples; `find` is not called again. */
  once(name: 'user_id' | 'project_id', find: (root: Json) => Json): Json {
    const known = this.#found[name];
    if (known !== undefined) return known;
    const found = find(this.root);
    this.#found[name] = found;
    return found;
  }

  /** The metadata of a plan shared by several definitions. One object for all their samples, so that it is printed once. */
  metadata(plan: { readonly slot: number; readonly build: (root: Json) => JsonObject }): JsonObject {
    const known = this.#metadata[plan.slot];
    if (known !== undefined) return known;
    const built = plan.build(this.root);
    this.#metadata[plan.slot] = built;
    return built;
  }

  /** What a sample gets when its definition yields no metadata: the payload, the event type and the host. */
  get payloadMetadata(): JsonObject {
    if (this.#payloadMetadata === undefined) {
      const { payload, event_type, publisher_id } = this.notification;
      this.#payloadMetadata = payloadMetadata(payload, event_type, publisher_id);
    }
    return this.#payloadMetadata;
  }

  /** The notification's own time as samples carry it. Throws a PythonError when it is no time. */
  get sampleTime(): string {
    this.#sampleTime ??= sampleTime(this.notification.timestamp);
    return this.#sampleTime;
  }
}

export function payloadMetadata(payload: Json, eventType: Json, host: Json): JsonObject {
  const own = typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? (payload as JsonObject) : {};
  return { ...own, event_type: eventType, host };
}

/** ISO with offset; throws a PythonError when it is no time. */
export function sampleTime(value: Json): string {
  return toIsoFormat(value);
}
