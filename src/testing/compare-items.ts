import { parseEventTime } from '../core/transformers/event-time.ts';
import { Float, isNumeric, isObject, type Json, type JsonObject, type Numeric } from '../model/json.ts';
import { printJson } from '../model/json-text.ts';

/** A field that is not what was expected; `got` is undefined where there is none. */
export interface FieldDifference {
  readonly path: string;
  readonly expected: Json;
  readonly got: Json | undefined;
}

const times = new Set(['timestamp', 'generated']);

/**
 * What of the expected fields is something else in an item; fields that are not named may be anything, at every depth. Numbers are compared
 * as numbers (25 is 25.0; whole ones exactly, fractions within a share of them), times as instants.
 */
export function differingFields(expected: JsonObject, got: JsonObject, within: number | null): readonly FieldDifference[] {
  return Object.entries(expected).flatMap(([field, value]) => {
    const found = Object.hasOwn(got, field) ? got[field] : undefined;
    if (times.has(field) && isSameInstant(value, found)) return [];
    if (field === 'traits' && isObject(value)) return differences(value, byName(found), field, within);
    return differences(value, found, field, within);
  });
}

function differences(expected: Json, got: Json | undefined, path: string, within: number | null): readonly FieldDifference[] {
  if (isObject(expected) && isObject(got ?? null)) {
    const found = got as JsonObject;
    return Object.entries(expected).flatMap(([key, value]) =>
      differences(value, Object.hasOwn(found, key) ? found[key] : undefined, `${path}.${key}`, within),
    );
  }
  return got !== undefined && isSame(expected, got, within) ? [] : [{ path, expected, got }];
}

function isSame(a: Json, b: Json, within: number | null): boolean {
  if (isNumeric(a) && isNumeric(b)) return isSameNumber(a, b, within);
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((value, i) => differences(value, b[i], '', within).length === 0);
  return printJson(a) === printJson(b);
}

/** Nine digits of a fraction: more than any meter has. */
const usualShare = 1e-9;

function isSameNumber(a: Numeric, b: Numeric, within: number | null): boolean {
  if (within === null && isWhole(a) && isWhole(b)) return BigInt(a) === BigInt(b);
  const [x, y] = [Number(a), Number(b)];
  return x === y || Math.abs(x - y) <= (within ?? usualShare) * Math.abs(x);
}

function isWhole(value: Numeric): value is number | bigint {
  return !(value instanceof Float) && (typeof value === 'bigint' || Number.isInteger(value));
}

function isSameInstant(a: Json, b: Json | undefined): boolean {
  return typeof a === 'string' && typeof b === 'string' && parseEventTime(a) === parseEventTime(b);
}

function byName(traits: Json | undefined): Json | undefined {
  if (!Array.isArray(traits)) return traits;
  return Object.fromEntries((traits as readonly (readonly [string, number, Json])[]).map(([name, , value]) => [name, value]));
}
