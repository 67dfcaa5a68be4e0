import { Float, type Json, type JsonObject } from '../../model/json.ts';
import type { Sample } from '../../model/sample.ts';
import { nanosOf, volumeOf } from '../metric.ts';

/** `KeyValue`s of those that are there. */
export function attributes(given: readonly (readonly [key: string, value: Json])[]): JsonObject[] {
  return given.flatMap(([key, value]) => (value === null || value === undefined ? [] : [{ key, value: anyValue(value) }]));
}

/** `AnyValue`: 64-bit integers are texts in OTLP's JSON. */
function anyValue(value: Json): JsonObject {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'bigint') return { intValue: value.toString() };
  if (value instanceof Float) return { doubleValue: value };
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (value === null) return {};
  if (Array.isArray(value)) return { arrayValue: { values: (value as readonly Json[]).map(anyValue) } };
  return { kvlistValue: { values: attributes(Object.entries(value as JsonObject)) } };
}

/** Why it cannot be said, or null. */
export function unspeakable(sample: Sample): string | null {
  const value = volumeOf(sample);
  if (value === null) return 'the volume is no number';
  return nanosOf(sample.timestamp) === null ? `${sample.timestamp} is no time` : null;
}

/** `Metric`s: points of one name, type and unit stand together. Gauges stay gauges, cumulative meters are monotonic sums, deltas are delta sums. */
export function toMetrics(samples: readonly Sample[]): JsonObject[] {
  const metrics = new Map<string, { readonly first: Sample; readonly points: JsonObject[] }>();
  for (const sample of samples) {
    const key = JSON.stringify([sample.name, sample.type, sample.unit]);
    const metric = metrics.get(key) ?? { first: sample, points: [] };
    metric.points.push(toPoint(sample));
    metrics.set(key, metric);
  }
  return [...metrics.values()].map(({ first, points }) => {
    const about = { name: first.name, unit: String(first.unit ?? '') };
    if (first.type === 'gauge') return { ...about, gauge: { dataPoints: points } };
    const cumulative = first.type === 'cumulative';
    return { ...about, sum: { dataPoints: points, aggregationTemporality: cumulative ? 2 : 1, isMonotonic: cumulative } };
  });
}

function toPoint(sample: Sample): JsonObject {
  const { volume, resource_id, project_id, user_id } = sample;
  const whole = typeof volume === 'bigint' ? isInt64(volume) : typeof volume === 'number' && Number.isInteger(volume);
  return {
    attributes: attributes([
      ['resource_id', resource_id],
      ['project_id', project_id],
      ['user_id', user_id],
    ]),
    timeUnixNano: String(nanosOf(sample.timestamp)),
    ...(whole ? { asInt: String(volume) } : { asDouble: volumeOf(sample) }),
  };
}

const isInt64 = (value: bigint) => BigInt.asIntN(64, value) === value;
