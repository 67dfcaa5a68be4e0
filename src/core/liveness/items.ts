import type { Event } from '../../model/event.ts';
import type { JsonObject } from '../../model/json.ts';
import type { Sample } from '../../model/sample.ts';
import { timeText } from '../transformers/time-text.ts';

/**
 * What enters the partitions of the hosts, as samples whose `source` says what they are and whose `resource_id` is the host. No
 * pipeline sees them.
 */
export const itemSources = {
  report: 'ceilograph:report',
  /** Of several services of one host that came together; the metadata are the data of each, by its name. */
  reports: 'ceilograph:reports',
  host: 'ceilograph:host',
  roster: 'ceilograph:roster',
  maintain: 'ceilograph:maintain',
  silence: 'ceilograph:silence',
  fleet: 'ceilograph:fleet',
} as const;

/** `name` is the service of a report, and nothing for the others. */
export function livenessItem(
  source: (typeof itemSources)[keyof typeof itemSources],
  host: string,
  name: string,
  data: JsonObject,
  id: string,
  nowMs: number,
): Sample {
  return {
    id,
    source,
    name,
    type: 'gauge',
    unit: '',
    volume: 1,
    user_id: null,
    user_name: null,
    project_id: null,
    project_name: null,
    resource_id: host,
    timestamp: timeText(nowMs),
    resource_metadata: data,
    monotonic_time: null,
  };
}

/** The reports in an item, by service; null when it holds none. */
export function reportsIn({ source, name, resource_metadata: data }: Sample): readonly (readonly [string, JsonObject])[] | null {
  if (source === itemSources.report) return [[name, data]];
  return source === itemSources.reports ? (Object.entries(data) as [string, JsonObject][]) : null;
}

/** A sample of a pipeline as a report: its metadata and its volume are the data that triggers look at. */
export function reportOf(sample: Sample, host: string, service: string): Sample {
  const { id, timestamp, resource_metadata, volume } = sample;
  return {
    ...livenessItem(itemSources.report, host, service, { ...resource_metadata, volume }, id, 0),
    timestamp,
  };
}

/** Event type of what the partitions of the hosts tell the one that announces. */
const transitionPrefix = 'ceilograph.host.';

export function transitionEvent(kind: string, facts: JsonObject, nowMs: number): Event {
  return { message_id: '', event_type: `${transitionPrefix}${kind}`, generated: naive(nowMs), traits: [], raw: facts };
}

/** Naive UTC, as Ceilometer's events write a time. */
export function naive(epochMs: number): string {
  if (epochMs !== printed.at) printed = { at: epochMs, text: timeText(epochMs).replace(/\+00:00$/, '') };
  return printed.text;
}

/** Of a storm all are found at one time. */
let printed = { at: Number.NaN, text: '' };
