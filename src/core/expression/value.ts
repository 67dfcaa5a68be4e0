import { Float, isNumeric, type Json, type JsonObject, type Numeric } from '../../model/json.ts';
import { failure } from './failure.ts';

/** What an expression handles is JSON as Python saw it; an object is a namespace: its keys are attributes. */
export type Value = Json;

/** What an unknown name or attribute gives: empty, hence false, so that `cpu_number or 1` works. */
export const unknown: JsonObject = Object.freeze(Object.create(null));

export function isNamespace(value: Value): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Float);
}

export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'str';
  if (isNumeric(value)) return isFloat(value) ? 'float' : 'int';
  return Array.isArray(value) ? 'list' : 'Namespace';
}

export function isFloat(value: Numeric): boolean {
  return typeof value === 'number' ? !Number.isInteger(value) : value instanceof Float;
}

/** A bool counts as 0 or 1, as in Python; anything else that is no number is undefined. */
export function numberOf(value: Value): Numeric | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return isNumeric(value) ? value : undefined;
}

/** Python's `float(int)`: rounded to nearest even, an OverflowError beyond the doubles. */
export function toDouble(value: Numeric): number {
  if (typeof value === 'number') return value;
  if (value instanceof Float) return value.value;
  const double = Number(value);
  if (!Number.isFinite(double)) throw failure('OverflowError', 'int too large to convert to float');
  return double;
}

export function toBigInt(value: Numeric): bigint {
  return typeof value === 'bigint' ? value : BigInt(value as number);
}

export function truthy(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  if (value === null || value === '') return false;
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'bigint') return value !== 0n;
  if (typeof value === 'string') return true;
  if (value instanceof Float) return value.value !== 0;
  if (Array.isArray(value)) return value.length > 0;
  for (const _ in value as JsonObject) return true;
  return false;
}
