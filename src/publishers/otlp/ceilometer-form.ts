import type { JsonObject } from '../../model/json.ts';
import type { Sample } from '../../model/sample.ts';
import { nanosOf } from '../metric.ts';

/**
 * What Ceilometer 27 posts to `opentelemetryhttp://` for one sample. Kept as it is for receivers that were built for it: names in snake case,
 * `counter` for a cumulative meter, seconds in `time_unix_nano`. Ceilometer reads the wall clock time as its own zone's; ours is UTC, as its
 * agents should be.
 */
export function toCeilometerMetric(sample: Sample): JsonObject {
  const wall = sample.timestamp.replace(/(?:Z|[+-]\d\d:?\d\d)$/, '');
  const seconds = Number((nanosOf(wall) ?? 0n) / 1_000_000_000n);
  const attribute = (key: 'resource_id' | 'user_id' | 'project_id') => ({ key, value: { string_value: sample[key] } });
  const point = {
    attributes: [attribute('resource_id'), attribute('user_id'), attribute('project_id')],
    start_time_unix_nano: seconds,
    time_unix_nano: seconds,
    as_double: sample.volume,
    flags: 0,
  };
  const metric = {
    name: sample.name.replaceAll('.', '_'),
    description: `${sample.name} unit:${sample.unit}`,
    unit: sample.unit,
    [sample.type === 'cumulative' ? 'counter' : 'gauge']: { data_points: [point] },
  };
  return { resource_metrics: [{ scope_metrics: [{ scope: { name: 'ceilometer', version: 'v1' }, metrics: [metric] }] }] };
}
