import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Notification } from '../../model/notification.ts';
import type { Sample } from '../../model/sample.ts';
import { stableId } from '../../model/stable-hash.ts';
import { itemSources, livenessItem } from './items.ts';

/** A notification of this type holds nothing but reports: `payload.reports`, a list of `{host, service, data}`. */
const reportsEventType = 'ceilograph.reports';

export function isReports(notification: Notification): boolean {
  return notification.event_type === reportsEventType;
}

export interface PushedReports {
  /** One item for each host, so that what all reports of a host say alike is carried and read once. */
  readonly items: readonly Sample[];
  /** How many reports are in them. */
  readonly count: number;
  /** Why some of them are none. */
  readonly problems: readonly string[];
}

/**
 * What can be read of it. As in the original, the data of a report whose `status` is not 0 is refused: a check that fails looks like
 * silence, which is what should be told.
 */
export function pushedReports(notification: Notification, nowMs: number): PushedReports {
  const { payload, message_id } = notification;
  const list = isObject(payload) ? payload['reports'] : undefined;
  if (!Array.isArray(list)) return { items: [], count: 0, problems: ['payload.reports is no list'] };
  const byHost = new Map<string, Map<string, JsonObject>>();
  const items: Sample[] = [];
  const problems: string[] = [];
  const pack = (host: string, services: ReadonlyMap<string, JsonObject>) => {
    const id = stableId([message_id, `${items.length}`]);
    items.push(livenessItem(itemSources.reports, host, '', Object.fromEntries(services), id, nowMs));
  };
  (list as readonly Json[]).forEach((entry, i) => {
    const problem = problemOf(entry);
    if (problem !== null) problems.push(`report ${i}: ${problem}`);
    else if (isObject(entry)) {
      const data = isObject(entry['data']) ? entry['data'] : {};
      const [host, service] = [entry['host'] as string, entry['service'] as string];
      const services = byHost.get(host) ?? new Map<string, JsonObject>();
      // What a service says twice it says in that order.
      if (services.has(service)) {
        pack(host, services);
        services.clear();
      }
      byHost.set(host, services.set(service, data));
    }
  });
  for (const [host, services] of byHost) pack(host, services);
  return { items, count: list.length - problems.length, problems };
}

const longestName = 200;

function problemOf(entry: Json): string | null {
  if (!isObject(entry)) return 'is no object';
  for (const name of ['host', 'service']) {
    const value = entry[name];
    if (typeof value !== 'string' || value === '' || value.length > longestName)
      return `${name} is no name of at most ${longestName} characters`;
  }
  const { data, status } = entry;
  if (data !== undefined && data !== null && !isObject(data)) return 'data is no object';
  const said = status ?? (isObject(data) ? data['status'] : undefined);
  return typeof said === 'number' && said !== 0 ? `status ${said} is not 0` : null;
}
