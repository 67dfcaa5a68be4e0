import { z } from 'zod';
import { Float, type Json, type Numeric } from '../../../model/json.ts';
import type { Sample } from '../../../model/sample.ts';
import { divide, multiply, subtract } from '../../expression/arithmetic.ts';
import { ordered } from '../../expression/comparison.ts';
import { truthy } from '../../expression/value.ts';
import {
  capped,
  compileMapping,
  compileScale,
  conversionProblems,
  converted,
  messageOf,
  Source,
  Target,
  targetType,
} from '../conversion.ts';
import { Micros, parseMicros } from '../event-time.ts';
import { strictCompat, unknownParameters } from '../lenient.ts';
import { forgetAfter, pairKey, pairOrigins } from '../pair-key.ts';
import type { KeyedResult, KeyedTransformer } from '../transformer.ts';

const Parameters = z
  .looseObject({ source: Source, target: Target, strict_compat: strictCompat, forget_after: forgetAfter })
  .transform((raw) => {
    const strict = raw.strict_compat;
    const written = raw.target?.scale as Json | undefined;
    // Ceilometer's default is the text '1'. A numeric scale there multiplies the sample's volume, not the rate: kept in strict mode.
    const scale = compileScale(strict || typeof written === 'string' ? (truthy(written ?? null) ? written : '1') : '1');
    const factor = !strict && written !== undefined && typeof written !== 'string' && truthy(written) ? written : 1;
    return {
      strict,
      forgetAfterMs: raw.forget_after,
      factor,
      scale,
      mapping: compileMapping(raw.source, raw.target),
      type: targetType(raw.target),
      max: raw.target?.max as Json | undefined,
      problems: [
        ...unknownParameters(raw, ['source', 'target', 'strict_compat', 'forget_after']),
        ...conversionProblems(raw.source, raw.target, scale),
      ],
    };
  });
type Parameters = z.infer<typeof Parameters>;

// A tuple, not an object: with a million keys the field names would cost more than the numbers.
const volume = z.custom<Json>((value) => value !== undefined);
const monotonic = z.custom<Numeric>((value) => value !== undefined); // whatever came as one
const State = z.union([z.tuple([volume, Micros]), z.tuple([volume, Micros, monotonic])]);
type State = readonly [volume: Json, micros: number] | readonly [volume: Json, micros: number, monotonic: Numeric];

export const rateOfChange: KeyedTransformer<Parameters, State> = {
  name: 'rate_of_change',
  summary: 'The change per second since the previous sample of the same meter and resource.',
  takes: ['samples'],
  scope: 'key',
  orderSensitive: true,
  Parameters: Parameters as unknown as KeyedTransformer<Parameters, State>['Parameters'],
  State: State as unknown as KeyedTransformer<Parameters, State>['State'],
  examples: [
    {
      title: 'CPU utilisation from CPU time',
      yaml: 'target: { name: cpu_util, unit: "%", type: gauge, scale: "100.0 / (10**9 * (resource_metadata.cpu_number or 1))" }',
      given: [
        {
          name: 'cpu',
          type: 'cumulative',
          unit: 'ns',
          volume: 0,
          resource_id: 'vm1',
          timestamp: '2024-03-04T05:00:00',
          resource_metadata: { cpu_number: 2 },
        },
        {
          name: 'cpu',
          type: 'cumulative',
          unit: 'ns',
          volume: 30_000_000_000,
          resource_id: 'vm1',
          timestamp: '2024-03-04T05:01:00',
          resource_metadata: { cpu_number: 2 },
        },
      ],
      expect: [{ name: 'cpu_util', unit: '%', type: 'gauge', volume: new Float(25), timestamp: '2024-03-04T05:01:00' }],
    },
  ],
  partitionKeys: () => ['name', 'resource_id'],
  rewrites: () => ['name', 'unit', 'type', 'volume'],
  problems: (parameters) => parameters.problems,
  idleAfterMs: (parameters) => parameters.forgetAfterMs,
  key: (parameters, item) => pairKey(item as Sample, parameters.strict),
  origins: (_, key) => pairOrigins(key),
  newer: (a, b) => (b[1] > a[1] ? b : a),
  step: (parameters, previous, item) => rate(parameters, previous, item as Sample),
};

const oneFloat = new Float(1);
const zeroFloat = new Float(0);
const noPredecessor = [{ reason: 'no_predecessor', count: 1 }] as const;
const outOfOrder = [{ reason: 'out_of_order', count: 1 }] as const;

function rate(parameters: Parameters, previous: State | undefined, sample: Sample): KeyedResult<State> {
  const micros = parseMicros(sample.timestamp);
  const monotonic = sample.monotonic_time;
  const state: State =
    monotonic === null || monotonic === undefined ? [sample.volume, micros] : [sample.volume, micros, monotonic];
  if (previous === undefined) return { state, out: [], dropped: noPredecessor };
  try {
    const seconds = secondsBetween(previous, state);
    // The older sample stays out; the newer one remains the predecessor.
    if (ordered('<', seconds, 0)) return { state: previous, out: [], dropped: outOfOrder };
    const grown = growth(previous[0], sample);
    const speed = truthy(seconds) ? divide(multiply(oneFloat, grown), seconds) : zeroFloat;
    const volume = multiply(multiply(parameters.scale.apply(sample), parameters.factor), speed);
    const { mapping, type, max, strict } = parameters;
    const name = mapping.name(sample);
    const result = converted(
      sample,
      name,
      mapping.unit(sample),
      type === undefined ? sample.type : type,
      capped(volume, max),
      strict,
    );
    return { state, out: [{ item: result }] };
  } catch (error) {
    // Ceilometer has stored the new predecessor before it computes, so the next sample is compared with this one.
    return { state, out: [], failed: { message: messageOf(error) } };
  }
}

/** Only a cumulative meter that went down was reset: what it shows now is the least it can have grown. */
function growth(previous: Json, sample: Sample): Json {
  const reset = !ordered('<=', previous, sample.volume) && sample.type === 'cumulative';
  return reset ? sample.volume : subtract(sample.volume, previous);
}

function secondsBetween(previous: State, current: State): Json {
  if (previous[2] !== undefined && current[2] !== undefined) return subtract(current[2], previous[2]);
  return divide(current[1] - previous[1], 1_000_000);
}
