import { Float, isNumeric, type Json, type JsonObject, type Numeric } from '../../model/json.ts';
import { PythonError } from './python-error.ts';
import { compareText } from './text.ts';

/** `bool(value)`. */
export function isTruthy(value: Json): boolean {
  if (typeof value === 'object' && value !== null) {
    if (value instanceof Float) return value.value !== 0;
    if (Array.isArray(value)) return value.length > 0;
    for (const _ in value) return true;
    return false;
  }
  return Boolean(value) || (typeof value === 'number' && Number.isNaN(value));
}

function asNumber(value: Json): Numeric | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return isNumeric(value) ? value : undefined;
}

/** JavaScript compares a bigint with a number by mathematical value, as Python does; only the wrapper is in the way. */
function bare(value: Numeric): number | bigint {
  return value instanceof Float ? value.value : value;
}

/** `a == b`: never raises; `1 == 1.0 == True`. */
export function isEqual(a: Json, b: Json): boolean {
  const x = asNumber(a);
  const y = asNumber(b);
  if (x !== undefined || y !== undefined) {
    // biome-ignore lint/suspicious/noDoubleEquals: a bigint equals a number of the same value only with ==
    return x !== undefined && y !== undefined && bare(x) == bare(y);
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => isEqual(item, b[i] as Json));
  }
  const left = a as JsonObject;
  const right = b as JsonObject;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && isEqual(left[key] as Json, right[key] as Json));
}

/** `a < b`; TypeError where Python has no order (null, objects, mixed types). */
export function isLess(a: Json, b: Json): boolean {
  const x = asNumber(a);
  const y = asNumber(b);
  if (x !== undefined && y !== undefined) return bare(x) < bare(y);
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b) < 0;
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < a.length && i < b.length; i++) {
      if (!isEqual(a[i] as Json, b[i] as Json)) return isLess(a[i] as Json, b[i] as Json);
    }
    return a.length < b.length;
  }
  throw new PythonError('TypeError', 'the values have no order');
}

/** `sorted(values)`: stable; TypeError for values without an order. */
export function pySorted(values: readonly Json[]): Json[] {
  return [...values].sort((a, b) => (isLess(a, b) ? -1 : isLess(b, a) ? 1 : 0));
}
