import { isObject, type Json } from '../../../model/json.ts';
import { isTruthy } from '../../python/compare.ts';
import { PythonError } from '../../python/python-error.ts';
import { compilePattern } from '../../python/regex/pattern.ts';
import { type SampleDraft, sampleType } from '../draft.ts';
import { get, item, objectOf, type SampleEndpoint } from './endpoint.ts';

/** Samples that a polling agent made: passed on as they are, ids too; `monotonic_time` is not read back. */
export const telemetryPolling: SampleEndpoint = {
  matches: compilePattern('telemetry.polling').matches,
  build: ({ notification }) => {
    const samples = item(notification.payload, 'samples');
    const list = isObject(samples) ? Object.keys(samples) : samples;
    if (!Array.isArray(list) && typeof list !== 'string') throw new PythonError('TypeError', 'samples is not a list');
    return [...(list as Iterable<Json>)].map(toDraft);
  },
};

function toDraft(sample: Json): SampleDraft {
  const metadata = item(sample, 'resource_metadata');
  const draft = {
    name: item(sample, 'counter_name'),
    type: item(sample, 'counter_type'),
    unit: item(sample, 'counter_unit'),
    volume: item(sample, 'counter_volume'),
    user_id: item(sample, 'user_id'),
    user_name: get(sample, 'user_name'),
    project_id: item(sample, 'project_id'),
    project_name: get(sample, 'project_name'),
    resource_id: item(sample, 'resource_id'),
    timestamp: item(sample, 'timestamp'),
    resource_metadata: isTruthy(metadata) ? objectOf(metadata) : {},
    source: item(sample, 'source'),
    id: item(sample, 'message_id'),
  };
  sampleType(draft.type);
  return draft;
}
