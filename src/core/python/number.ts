import { Float, isNumeric, type Json, type Numeric, toFloat, toInt } from '../../model/json.ts';
import { PythonError } from './python-error.ts';

const mostDigits = 4300;
const mostRepeated = 1 << 20;
const integerText = /^[\s]*([+-]?\d+(?:_\d+)*)[\s]*$/;
// Every digit can be read in one way only: a text of 60,000 of them and an `x` must not be tried in 60,000 × 60,000 ways.
const floatTextShape = /^\s*([+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?)\s*$/;
const wordText = /^\s*([+-]?)(inf|infinity|nan)\s*$/i;

/** Whether a numeric is an int to Python (bool aside). */
export function isInt(value: Json): value is number | bigint {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
}

/** `int(value)`. */
export function pyInt(value: Json): number | bigint {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (isInt(value)) return value;
  if (typeof value === 'number' || value instanceof Float) return truncate(Number(value));
  if (typeof value !== 'string') throw new PythonError('TypeError', `int() argument must be a string or a number`);
  const digits = integerText.exec(value)?.[1]?.replaceAll('_', '');
  if (digits === undefined || digits.length > mostDigits) throw new PythonError('ValueError', `invalid literal for int()`);
  return toInt(BigInt(digits.startsWith('+') ? digits.slice(1) : digits));
}

function truncate(value: number): number | bigint {
  if (Number.isNaN(value)) throw new PythonError('ValueError', 'cannot convert float NaN to integer');
  if (!Number.isFinite(value)) throw new PythonError('OverflowError', 'cannot convert float infinity to integer');
  const whole = Math.trunc(value);
  return Number.isSafeInteger(whole) ? whole || 0 : toInt(BigInt(whole));
}

/** `float(value)` as a double, which may be infinite or NaN. */
export function pyFloat(value: Json): number {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (isNumeric(value)) return toDouble(value);
  if (typeof value !== 'string') throw new PythonError('TypeError', 'float() argument must be a string or a real number');
  const digits = floatTextShape.exec(value)?.[1];
  if (digits !== undefined) return Number(digits.replaceAll('_', ''));
  const word = wordText.exec(value);
  if (word === null) throw new PythonError('ValueError', `could not convert string to float`);
  if (word[2]?.toLowerCase() === 'nan') return Number.NaN;
  return word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function toDouble(value: Numeric): number {
  const double = Number(value);
  if (typeof value === 'bigint' && !Number.isFinite(double))
    throw new PythonError('OverflowError', 'int too large to convert to float');
  return double;
}

export type Operator = '+' | '-' | '*';

/** `left + right` and so on for JSON values: numbers, booleans, texts and lists. TypeError for what Python cannot. */
export function calculate(operator: Operator, left: Json, right: Json): Json {
  const a = asNumber(left);
  const b = asNumber(right);
  if (a !== undefined && b !== undefined) return calculateNumbers(operator, a, b);
  if (operator === '+') {
    if (typeof left === 'string' && typeof right === 'string') return left + right;
    if (Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
  }
  if (operator === '*') {
    if (b !== undefined && isInt(b)) return repeat(left, b);
    if (a !== undefined && isInt(a)) return repeat(right, a);
  }
  throw new PythonError('TypeError', `unsupported operand types for ${operator}`);
}

function asNumber(value: Json): Numeric | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return isNumeric(value) ? value : undefined;
}

function calculateNumbers(operator: Operator, a: Numeric, b: Numeric): Numeric {
  if (!isInt(a) || !isInt(b)) {
    const x = toDouble(a);
    const y = toDouble(b);
    return toFloat(operator === '+' ? x + y : operator === '-' ? x - y : x * y);
  }
  if (typeof a === 'number' && typeof b === 'number') {
    const quick = operator === '+' ? a + b : operator === '-' ? a - b : a * b;
    if (Number.isSafeInteger(quick)) return quick || 0;
  }
  const x = BigInt(a);
  const y = BigInt(b);
  return toInt(operator === '+' ? x + y : operator === '-' ? x - y : x * y);
}

function repeat(value: Json, times: number | bigint): Json {
  if (typeof value !== 'string' && !Array.isArray(value)) throw new PythonError('TypeError', `can't multiply this by an int`);
  const count = Math.max(0, Number(times));
  if (value.length * count > mostRepeated) throw new PythonError('MemoryError', `more than ${mostRepeated} elements`);
  if (typeof value === 'string') return value.repeat(value.length === 0 ? 0 : count);
  return value.length === 0 ? [] : Array.from({ length: count }, () => value as readonly Json[]).flat();
}
