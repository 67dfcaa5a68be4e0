import { z } from 'zod';

/**
 * Percentiles from counts in logarithmic buckets (the idea of DDSketch): a value is known to 1 %, whatever its size, and the result does not
 * depend on the order of arrival. Above the bound the lowest buckets are put together, so that only the low percentiles lose precision.
 */
export const Sketch = z.strictObject({
  negative: z.record(z.string(), z.number()),
  zero: z.number(),
  positive: z.record(z.string(), z.number()),
});
export type Sketch = z.infer<typeof Sketch>;
type Buckets = Readonly<Record<string, number>>;

const relativeError = 0.01;
const maxBuckets = 1_024;
const gamma = (1 + relativeError) / (1 - relativeError);
const logGamma = Math.log(gamma);

export const emptySketch: Sketch = Object.freeze({
  negative: Object.freeze({}) as Buckets,
  zero: 0,
  positive: Object.freeze({}) as Buckets,
});

export function addToSketch(sketch: Sketch, value: number): Sketch {
  if (value === 0) return { ...sketch, zero: sketch.zero + 1 };
  const bucket = `${Math.ceil(Math.log(Math.min(Math.abs(value), Number.MAX_VALUE)) / logGamma)}`;
  return value > 0
    ? { ...sketch, positive: counted(sketch.positive, bucket, false) }
    : { ...sketch, negative: counted(sketch.negative, bucket, true) };
}

/** Keeps the buckets nearest to the highest value: of negative numbers those are the ones nearest to zero. */
function counted(buckets: Buckets, bucket: string, isNegative: boolean): Buckets {
  const next = { ...buckets, [bucket]: (buckets[bucket] ?? 0) + 1 };
  const keys = Object.keys(next);
  if (keys.length <= maxBuckets) return next;
  const sorted = keys.map(Number).sort((a, b) => (isNegative ? b - a : a - b));
  const [lowest, second] = [`${sorted[0]}`, `${sorted[1]}`];
  next[second] = (next[second] ?? 0) + (next[lowest] ?? 0);
  delete next[lowest];
  return next;
}

/** The value below which `fraction` of all lie, as near as the buckets tell. */
export function percentile(sketch: Sketch, fraction: number): number {
  const negative = ordered(sketch.negative).reverse();
  const positive = ordered(sketch.positive);
  const total = [...negative, ...positive].reduce((sum, [, count]) => sum + count, sketch.zero);
  let left = Math.floor(fraction * (total - 1));
  for (const [bucket, count] of negative) {
    if (left < count) return -middle(bucket);
    left -= count;
  }
  if (left < sketch.zero) return 0;
  left -= sketch.zero;
  for (const [bucket, count] of positive) {
    if (left < count) return middle(bucket);
    left -= count;
  }
  return 0;
}

function ordered(buckets: Buckets): [number, number][] {
  return Object.entries(buckets)
    .map(([bucket, count]): [number, number] => [Number(bucket), count])
    .sort((a, b) => a[0] - b[0]);
}

function middle(bucket: number): number {
  return (2 * gamma ** bucket) / (gamma + 1);
}
