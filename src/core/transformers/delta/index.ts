import { z } from 'zod';
import type { Json } from '../../../model/json.ts';
import type { Sample } from '../../../model/sample.ts';
import { subtract } from '../../expression/arithmetic.ts';
import { ordered } from '../../expression/comparison.ts';
import { truthy } from '../../expression/value.ts';
import { compileMapping, compileScale, conversionProblems, converted, messageOf, Source, Target } from '../conversion.ts';
import { Micros, parseMicros } from '../event-time.ts';
import { lenient, strictCompat, unknownParameters } from '../lenient.ts';
import { forgetAfter, pairKey, pairOrigins } from '../pair-key.ts';
import type { KeyedResult, KeyedTransformer } from '../transformer.ts';

const Parameters = z
  .looseObject({
    source: Source,
    target: Target,
    growth_only: lenient(z.boolean().describe('Drop negative differences.')),
    strict_compat: strictCompat,
    forget_after: forgetAfter,
  })
  .transform((raw) => ({
    strict: raw.strict_compat,
    forgetAfterMs: raw.forget_after,
    growthOnly: truthy((raw.growth_only as Json | undefined) ?? false),
    mapping: compileMapping(raw.source, raw.target),
    problems: [
      ...unknownParameters(raw, ['source', 'target', 'growth_only', 'strict_compat', 'forget_after']),
      ...conversionProblems(raw.source, raw.target, compileScale(undefined)),
    ],
  }));
type Parameters = z.infer<typeof Parameters>;

const State = z.tuple([z.custom<Json>((value) => value !== undefined), Micros]);
type State = readonly [volume: Json, micros: number];

export const delta: KeyedTransformer<Parameters, State> = {
  name: 'delta',
  summary: 'The difference to the previous sample of the same meter and resource.',
  takes: ['samples'],
  scope: 'key',
  orderSensitive: true,
  Parameters: Parameters as unknown as KeyedTransformer<Parameters, State>['Parameters'],
  State: State as unknown as KeyedTransformer<Parameters, State>['State'],
  examples: [
    {
      title: 'CPU time spent since the last sample',
      yaml: 'target: { name: cpu.delta }\ngrowth_only: true',
      given: [
        { name: 'cpu', type: 'cumulative', volume: 10, resource_id: 'vm1', timestamp: '2024-03-04T05:00:00' },
        { name: 'cpu', type: 'cumulative', volume: 25, resource_id: 'vm1', timestamp: '2024-03-04T05:01:00' },
      ],
      expect: [{ name: 'cpu.delta', type: 'delta', volume: 15 }],
    },
  ],
  partitionKeys: () => ['name', 'resource_id'],
  rewrites: () => ['name', 'type', 'volume'],
  problems: (parameters) => parameters.problems,
  idleAfterMs: (parameters) => parameters.forgetAfterMs,
  key: (parameters, item) => pairKey(item as Sample, parameters.strict),
  origins: (_, key) => pairOrigins(key),
  newer: (a, b) => (b[1] > a[1] ? b : a),
  step: (parameters, previous, item) => difference(parameters, previous, item as Sample),
};

const noPredecessor = [{ reason: 'no_predecessor', count: 1 }] as const;
const outOfOrder = [{ reason: 'out_of_order', count: 1 }] as const;
const negative = [{ reason: 'negative', count: 1 }] as const;

function difference(parameters: Parameters, previous: State | undefined, sample: Sample): KeyedResult<State> {
  const micros = parseMicros(sample.timestamp);
  const state: State = [sample.volume, micros];
  if (previous === undefined) return { state, out: [], dropped: noPredecessor };
  if (micros < previous[1]) return { state: previous, out: [], dropped: outOfOrder };
  try {
    const volume = growth(parameters, previous[0], sample);
    // The predecessor moves on even when its difference is dropped.
    if (parameters.growthOnly && ordered('<', volume, 0)) return { state, out: [], dropped: negative };
    return {
      state,
      out: [{ item: converted(sample, parameters.mapping.name(sample), sample.unit, 'delta', volume, parameters.strict) }],
    };
  } catch (error) {
    return { state, out: [], failed: { message: messageOf(error) } };
  }
}

/** Ceilometer gives a negative difference when a cumulative meter starts again; the right one is what it has grown since. */
function growth(parameters: Parameters, previous: Json, sample: Sample): Json {
  const reset = !parameters.strict && sample.type === 'cumulative' && ordered('<', sample.volume, previous);
  return reset ? sample.volume : subtract(sample.volume, previous);
}
