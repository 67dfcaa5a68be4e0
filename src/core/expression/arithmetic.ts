import { type Numeric, toFloat, toInt } from '../../model/json.ts';
import { failure } from './failure.ts';
import { precisePower } from './precise-power.ts';
import { isFloat, numberOf, toBigInt, toDouble, typeName, type Value } from './value.ts';

// Python 3 arithmetic over Json: ints exact at any size, `/` always a float and correctly rounded, `//` and `%` with the sign of the
// divisor. Sizes are bounded, since a message must not be able to ask for a gigabyte: beyond the bound it is an OverflowError.
const maxBits = 16_384;
const maxLength = 65_536;
/** What no JSON of ours may hold (4,300 digits, Python's own bound for the text of an int) must not come to be. */
const tooLarge = 10n ** 4_300n;

function whole(value: bigint): Value {
  if (value >= tooLarge || value <= -tooLarge) throw failure('OverflowError', 'the integer has more than 4,300 digits');
  return toInt(value);
}

export function add(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (!Number.isInteger(a) || !Number.isInteger(b)) return toFloat(sum);
    return Number.isSafeInteger(sum) ? sum : toInt(BigInt(a) + BigInt(b));
  }
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined)
    return isFloat(x) || isFloat(y) ? toFloat(toDouble(x) + toDouble(y)) : whole(toBigInt(x) + toBigInt(y));
  if (typeof a === 'string' && typeof b === 'string') return bounded(a.length + b.length) && a + b;
  if (Array.isArray(a) && Array.isArray(b)) return bounded(weight(a) + weight(b)) && [...a, ...b];
  throw unsupported('+', a, b);
}

export function subtract(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (!Number.isInteger(a) || !Number.isInteger(b)) return toFloat(difference);
    return Number.isSafeInteger(difference) ? difference : toInt(BigInt(a) - BigInt(b));
  }
  const [x, y] = operands('-', a, b);
  return isFloat(x) || isFloat(y) ? toFloat(toDouble(x) - toDouble(y)) : whole(toBigInt(x) - toBigInt(y));
}

export function multiply(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    if (!Number.isInteger(a) || !Number.isInteger(b)) return toFloat(product);
    // An int has no negative zero.
    return Number.isSafeInteger(product) ? product + 0 : toInt(BigInt(a) * BigInt(b));
  }
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined)
    return isFloat(x) || isFloat(y) ? toFloat(toDouble(x) * toDouble(y)) : whole(toBigInt(x) * toBigInt(y));
  if (y !== undefined && !isFloat(y)) return repeat(a, y) ?? fail('*', a, b);
  if (x !== undefined && !isFloat(x)) return repeat(b, x) ?? fail('*', a, b);
  throw unsupported('*', a, b);
}

function repeat(value: Value, times: Numeric): Value | undefined {
  const count = Math.max(0, Number(times));
  if (typeof value === 'string') return bounded(value.length * count) && value.repeat(count);
  if (Array.isArray(value)) return bounded(weight(value) * count) && Array.from({ length: count }, () => value).flat();
  return undefined;
}

/** Python's `/`: the float nearest to the true quotient, also for ints no double can hold. */
export function divide(a: Value, b: Value): Value {
  const [x, y] = operands('/', a, b);
  if (
    isFloat(x) ||
    isFloat(y) ||
    (typeof x === 'number' && typeof y === 'number' && Number.isSafeInteger(x) && Number.isSafeInteger(y))
  ) {
    const divisor = toDouble(y);
    if (divisor === 0) throw failure('ZeroDivisionError', 'division by zero');
    return toFloat(toDouble(x) / divisor);
  }
  return toFloat(divideIntegers(toBigInt(x), toBigInt(y)));
}

/** The float nearest to a / b. */
export function divideIntegers(a: bigint, b: bigint): number {
  if (b === 0n) throw failure('ZeroDivisionError', 'division by zero');
  const negative = a < 0n !== b < 0n;
  const [n, d] = [a < 0n ? -a : a, b < 0n ? -b : b];
  // 66 bits or more of quotient plus a sticky bit round as the true quotient does; halving a double is exact above the subnormals.
  const shift = BigInt(Math.max(0, 66 - (bitLength(n) - bitLength(d))));
  const scaled = n << shift;
  let quotient = scaled / d;
  if (quotient * d !== scaled) quotient |= 1n;
  const value = Number(quotient) * 2 ** -Number(shift);
  if (!Number.isFinite(value)) throw failure('OverflowError', 'integer division result too large for a float');
  return negative ? -value : value;
}

export function floorDivide(a: Value, b: Value): Value {
  const [x, y] = operands('//', a, b);
  if (isFloat(x) || isFloat(y)) return toFloat(floatDivmod(toDouble(x), toDouble(y))[0]);
  const [n, d] = [toBigInt(x), toBigInt(y)];
  if (d === 0n) throw failure('ZeroDivisionError', 'integer division or modulo by zero');
  const quotient = n / d;
  return toInt(quotient * d !== n && n < 0n !== d < 0n ? quotient - 1n : quotient);
}

export function modulo(a: Value, b: Value): Value {
  const [x, y] = operands('%', a, b);
  if (isFloat(x) || isFloat(y)) return toFloat(floatDivmod(toDouble(x), toDouble(y))[1]);
  const [n, d] = [toBigInt(x), toBigInt(y)];
  if (d === 0n) throw failure('ZeroDivisionError', 'integer division or modulo by zero');
  const rest = n % d;
  return toInt(rest !== 0n && rest < 0n !== d < 0n ? rest + d : rest);
}

/** CPython's float_divmod, step by step: the remainder is exact, and the quotient is rounded from it. */
function floatDivmod(x: number, y: number): [number, number] {
  if (y === 0) throw failure('ZeroDivisionError', 'float floor division by zero');
  let rest = x % y;
  let quotient = (x - rest) / y;
  if (rest !== 0) {
    if (y < 0 !== rest < 0) {
      rest += y;
      quotient -= 1;
    }
  } else rest = y < 0 ? -0 : 0;
  if (quotient === 0) return [x / y < 0 ? -0 : 0, rest];
  const floor = Math.floor(quotient);
  return [quotient - floor > 0.5 ? floor + 1 : floor, rest];
}

export function power(a: Value, b: Value): Value {
  const [x, y] = operands('**', a, b);
  if (!isFloat(x) && !isFloat(y)) {
    const [base, exponent] = [toBigInt(x), toBigInt(y)];
    if (exponent >= 0n) {
      if (BigInt(bitLength(base)) * exponent > BigInt(maxBits)) {
        if (base === 0n || base === 1n) return toInt(base);
        if (base === -1n) return exponent % 2n === 0n ? 1 : -1;
        throw failure('OverflowError', 'the power is too large');
      }
      return whole(base ** exponent);
    }
  }
  return toFloat(floatPower(toDouble(x), toDouble(y)));
}

function floatPower(x: number, y: number): number {
  if (x === 0 && y < 0) throw failure('ZeroDivisionError', '0.0 cannot be raised to a negative power');
  if (x === 1 || y === 0) return 1;
  if (x === -1 && !Number.isFinite(y) && !Number.isNaN(y)) return 1;
  if (x < 0 && Number.isFinite(x) && Number.isFinite(y) && !Number.isInteger(y))
    throw failure('TypeError', 'a negative number to a fractional power is complex');
  const value = Number.isFinite(x) && Number.isFinite(y) ? finitePower(x, y) : x ** y;
  if (!Number.isFinite(value) && Number.isFinite(x) && Number.isFinite(y))
    throw failure('OverflowError', 'Numerical result out of range');
  return value;
}

function finitePower(x: number, y: number): number {
  if (Number.isInteger(y) && Math.abs(y) <= 64) return integerPower(x, y);
  const precise = x > 0 ? precisePower(x, y) : undefined;
  if (precise === undefined) return x ** y;
  const { numerator, shift } = precise;
  return shift >= 0n ? divideIntegers(numerator, 1n << shift) : divideIntegers(numerator << -shift, 1n);
}

/** Correctly rounded, as the C library's `pow` is for small exponents; V8's differs in the last digit now and then. */
function integerPower(x: number, y: number): number {
  if (x === 0) return y % 2 === 0 ? 0 : x;
  let [mantissa, exponent] = [x, 0];
  while (!Number.isInteger(mantissa)) [mantissa, exponent] = [mantissa * 2, exponent - 1];
  const size = BigInt(mantissa) ** BigInt(Math.abs(y));
  const shift = BigInt(Math.abs(exponent * y));
  const down = exponent * y <= 0;
  const [n, d] = y >= 0 ? [size, 1n] : [1n, size];
  try {
    return down ? divideIntegers(n, d << shift) : divideIntegers(n << shift, d);
  } catch {
    return Number.POSITIVE_INFINITY; // said as an OverflowError by the caller, in Python's words for `**`
  }
}

export function negate(a: Value): Value {
  if (typeof a === 'number') return a === 0 ? 0 : -a;
  const x = unaryOperand('-', a);
  return isFloat(x) ? toFloat(-toDouble(x)) : toInt(-toBigInt(x));
}

export function plus(a: Value): Value {
  return unaryOperand('+', a);
}

export function invert(a: Value): Value {
  const x = unaryOperand('~', a);
  if (isFloat(x)) throw failure('TypeError', "bad operand type for unary ~: 'float'");
  return whole(~toBigInt(x));
}

export function bitwise(operator: '&' | '|' | '^' | '<<' | '>>', a: Value, b: Value): Value {
  if (typeof a === 'boolean' && typeof b === 'boolean' && operator.length === 1)
    return operator === '&' ? a && b : operator === '|' ? a || b : a !== b;
  const [x, y] = operands(operator, a, b);
  if (isFloat(x) || isFloat(y)) throw unsupported(operator, a, b);
  const [n, m] = [toBigInt(x), toBigInt(y)];
  if (operator === '&') return toInt(n & m);
  if (operator === '|') return toInt(n | m);
  if (operator === '^') return toInt(n ^ m);
  if (m < 0n) throw failure('ValueError', 'negative shift count');
  if (operator === '>>') return toInt(n >> (m > BigInt(maxBits) ? BigInt(maxBits) : m));
  if (n !== 0n && m + BigInt(bitLength(n)) > BigInt(maxBits)) throw failure('OverflowError', 'the shift is too large');
  return whole(n << (n === 0n ? 0n : m));
}

function bitLength(value: bigint): number {
  const hex = (value < 0n ? -value : value).toString(16);
  return hex === '0' ? 0 : (hex.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(hex[0] as string, 16)));
}

function operands(operator: string, a: Value, b: Value): [Numeric, Numeric] {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x === undefined || y === undefined) throw unsupported(operator, a, b);
  return [x, y];
}

function unaryOperand(operator: string, a: Value): Numeric {
  const x = numberOf(a);
  if (x === undefined) throw failure('TypeError', `bad operand type for unary ${operator}: '${typeName(a)}'`);
  return x;
}

function unsupported(operator: string, a: Value, b: Value): Error {
  return failure('TypeError', `unsupported operand type(s) for ${operator}: '${typeName(a)}' and '${typeName(b)}'`);
}

function fail(operator: string, a: Value, b: Value): never {
  throw unsupported(operator, a, b);
}

/** What a list comes to when it is written down: a list of lists is small in memory, where they are all the same one. */
function weight(value: Value): number {
  if (typeof value === 'string') return 1 + value.length;
  if (typeof value === 'bigint') return 1_000;
  if (!Array.isArray(value)) return 1;
  let sum = 1;
  for (const element of value) {
    sum += weight(element as Value);
    if (sum > maxLength) return sum;
  }
  return sum;
}

export function list(elements: readonly Value[]): Value {
  return bounded(weight(elements)) && elements;
}

function bounded(length: number): true {
  if (length > maxLength) throw failure('OverflowError', 'the result is too long');
  return true;
}
