import type { JsonObject } from '../../model/json.ts';

const coarse = [{ granularity: '5 minutes', timespan: '30 days' }];
const fine = [
  { granularity: '1 second', timespan: '1 hour' },
  { granularity: '1 minute', timespan: '1 day' },
  { granularity: '1 hour', timespan: '365 days' },
];

/** The archive policies that Ceilometer creates, for those who name no resources file. */
export const builtInPolicies: readonly JsonObject[] = (['low', 'high'] as const).flatMap((name) =>
  [['mean'], ['mean', 'rate:mean']].map((methods) => ({
    name: `ceilometer-${name}${methods.length > 1 ? '-rate' : ''}`,
    aggregation_methods: methods,
    back_window: 0,
    definition: name === 'low' ? coarse : fine,
  })),
);
