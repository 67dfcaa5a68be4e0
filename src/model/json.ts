/**
 * JSON as Ceilometer's Python saw it: integers and floats differ, integers have any size.
 *
 * | text           | here             |
 * |----------------|------------------|
 * | `3`            | `number` (a safe integer is an int) |
 * | `3.5`          | `number` (a fraction is a float)    |
 * | `3.0`, `1e3`   | `Float` (an integral float; rare)   |
 * | `9007199254740993` | `bigint`     |
 *
 * So a plain `number` that is an integer IS an int, and nothing else needs a wrapper. Signatures, text traits and
 * arithmetic depend on the difference (research: `1.0` and `1` hash differently), and 64-bit counters must not lose digits.
 * Objects from outside may have any own key, `__proto__` included: read with `Object.hasOwn`, copy with spread (both keep it
 * an ordinary own key), never assign `target[key]` with a key that came from outside.
 */
export type Json = null | boolean | number | bigint | Float | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}
export type Numeric = number | bigint | Float;

/** A float whose value is an integer (or not finite), which a plain `number` would show as an int. Immutable. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
    Object.freeze(this);
  }
  valueOf(): number {
    return this.value;
  }
}

export function isNumeric(value: unknown): value is Numeric {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Float;
}

/** The result of float arithmetic as Json: wrapped only where the type would be lost. */
export function toFloat(value: number): number | Float {
  return Number.isInteger(value) || !Number.isFinite(value) ? new Float(value) : value;
}

/** An exact integer as Json: a `number` while it is safe. */
export function toInt(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Float);
}
