import type { Sample } from '../src/model/sample.ts';

/** A sample of which a test says what matters to it. */
export function sampleWith(fields: Partial<Sample> & Pick<Sample, 'id'>): Sample {
  return {
    source: 'openstack',
    name: 'cpu',
    type: 'gauge',
    unit: '%',
    volume: 1,
    user_id: null,
    user_name: null,
    project_id: null,
    project_name: null,
    resource_id: 'r',
    timestamp: '2026-01-01T00:00:00+00:00',
    resource_metadata: {},
    monotonic_time: null,
    ...fields,
  };
}
