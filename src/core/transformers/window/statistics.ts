import { z } from 'zod';
import { isNumeric, type Numeric, toFloat } from '../../../model/json.ts';
import { ordered } from '../../expression/comparison.ts';
import { addSquareTo, addTo, type ExactSum, readMean, readSum, readVariance, zeroSum } from '../../expression/exact-sum.ts';
import { toDouble } from '../../expression/value.ts';
import { addToSketch, emptySketch, percentile, Sketch } from './sketch.ts';

export const statistic = z.union([
  z.enum(['count', 'sum', 'min', 'max', 'mean', 'stddev', 'median']),
  z
    .string()
    .regex(/^p(?:\d|[1-9]\d)(?:\.\d+)?$/, 'one of count, sum, min, max, mean, stddev, median, or a percentile like p95 or p99.9'),
]);

const numeric = z.custom<Numeric>(isNumeric);
const Sum = z.strictObject({
  whole: z.custom<number | bigint>(isNumeric),
  partials: z.array(z.custom<number>(isNumeric)),
  hasFloats: z.boolean(),
});

/** What one window holds of its values: only what its statistics need. */
export const Held = z.strictObject({
  count: z.number(),
  sum: Sum.optional(),
  squares: Sum.optional(),
  min: numeric.optional(),
  max: numeric.optional(),
  sketch: Sketch.optional(),
});
export type Held = z.infer<typeof Held>;

export interface Needs {
  readonly sum: boolean;
  readonly squares: boolean;
  readonly extremes: boolean;
  readonly sketch: boolean;
}

export function needsOf(statistics: readonly string[]): Needs {
  const any = (...names: string[]) => names.some((name) => statistics.includes(name));
  return {
    sum: any('sum', 'mean', 'stddev'),
    squares: any('stddev'),
    extremes: any('min', 'max') || statistics.some(isPercentile),
    sketch: statistics.some(isPercentile),
  };
}

export function hold(needs: Needs, held: Held | undefined, value: Numeric): Held {
  const sum = (before: ExactSum | undefined) => addTo(before ?? zeroSum, value) as Held['sum'];
  return {
    count: (held?.count ?? 0) + 1,
    ...(needs.sum ? { sum: sum(held?.sum) } : {}),
    ...(needs.squares ? { squares: addSquareTo(held?.squares ?? zeroSum, value) as Held['squares'] } : {}),
    ...(needs.extremes ? { min: lesser(value, held?.min), max: greater(value, held?.max) } : {}),
    ...(needs.sketch ? { sketch: addToSketch(held?.sketch ?? emptySketch, toDouble(value)) } : {}),
  };
}

/** Of two equal values of different types (1 and 1.0) always the same one stays, whichever came first. */
function lesser(value: Numeric, before: Numeric | undefined): Numeric {
  if (before === undefined || ordered('<', value, before)) return value;
  return ordered('<', before, value) || typeof before === 'number' ? before : value;
}

function greater(value: Numeric, before: Numeric | undefined): Numeric {
  if (before === undefined || ordered('>', value, before)) return value;
  return ordered('>', before, value) || typeof before === 'number' ? before : value;
}

function isPercentile(name: string): boolean {
  return name === 'median' || name.startsWith('p');
}

export function read(held: Held, name: string): Numeric {
  switch (name) {
    case 'count':
      return held.count;
    case 'sum':
      return readSum(held.sum ?? zeroSum);
    case 'mean':
      return readMean(held.sum ?? zeroSum, held.count);
    case 'min':
      return held.min ?? 0;
    case 'max':
      return held.max ?? 0;
    case 'stddev':
      return toFloat(Math.sqrt(readVariance(held.sum ?? zeroSum, held.squares ?? zeroSum, held.count)));
    default:
      return readPercentile(held, name === 'median' ? 0.5 : Number(name.slice(1)) / 100);
  }
}

/** Never outside of what was really seen. */
function readPercentile({ sketch, min, max }: Held, fraction: number): Numeric {
  const value = percentile(sketch ?? emptySketch, fraction);
  return toFloat(Math.min(Math.max(value, toDouble(min ?? 0)), toDouble(max ?? 0)));
}
