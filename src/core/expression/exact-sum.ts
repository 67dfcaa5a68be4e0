import { type Float, type Numeric, toFloat, toInt } from '../../model/json.ts';
import { divideIntegers } from './arithmetic.ts';
import { isFloat, toBigInt } from './value.ts';

/**
 * A sum that does not depend on the order of its terms: ints exactly, floats as Shewchuk's non-overlapping partials (what Python's
 * `math.fsum` does), rounded once when it is read. The partials of a window of ordinary numbers are two or three.
 */
export interface ExactSum {
  /** All ints together, as text beyond 2^53. */
  readonly whole: number | bigint;
  readonly partials: readonly (number | Float)[];
  readonly hasFloats: boolean;
}

export const zeroSum: ExactSum = Object.freeze({ whole: 0, partials: Object.freeze([]) as readonly number[], hasFloats: false });

export function addTo(sum: ExactSum, term: Numeric): ExactSum {
  if (isFloat(term)) return { ...sum, partials: addPartial(sum.partials, Number(term)), hasFloats: true };
  return { ...sum, whole: toInt(BigInt(sum.whole) + toBigInt(term)) };
}

/** The square of the term, exactly: a float's as the sum of two doubles (Veltkamp and Dekker). */
export function addSquareTo(sum: ExactSum, term: Numeric): ExactSum {
  if (!isFloat(term)) return { ...sum, whole: toInt(BigInt(sum.whole) + toBigInt(term) ** 2n) };
  const x = Number(term);
  const square = x * x;
  const big = 134_217_729 * x;
  const high = big - (big - x);
  const low = x - high;
  const error = low * low - (square - high * high - 2 * high * low);
  return { ...sum, partials: addPartial(addPartial(sum.partials, square), Number.isFinite(error) ? error : 0), hasFloats: true };
}

function addPartial(partials: readonly (number | Float)[], term: number): (number | Float)[] {
  const next: (number | Float)[] = [];
  let x = term;
  for (const partial of partials) {
    let y = Number(partial);
    if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x];
    const high = x + y;
    const low = y - (high - x);
    if (low !== 0) next.push(toFloat(low));
    x = high;
  }
  if (x !== 0) next.push(toFloat(x));
  return next;
}

export function readSum(sum: ExactSum): Numeric {
  if (!sum.hasFloats) return sum.whole;
  const { numerator, shift, special } = rational(sum);
  return toFloat(special ?? nearest(numerator, 1n << shift));
}

export function readMean(sum: ExactSum, count: number): Numeric {
  const { numerator, shift, special } = rational(sum);
  return toFloat(special === undefined ? nearest(numerator, BigInt(count) << shift) : special);
}

/** The population's variance from exact sums: no digit is lost to cancellation. */
export function readVariance(sum: ExactSum, squares: ExactSum, count: number): number {
  const [s, q] = [rational(sum), rational(squares)];
  if (s.special !== undefined || q.special !== undefined) return Number.NaN;
  const n = BigInt(count);
  const shift = 2n * s.shift > q.shift ? 2n * s.shift : q.shift;
  const numerator = ((n * q.numerator) << (shift - q.shift)) - ((s.numerator ** 2n) << (shift - 2n * s.shift));
  return numerator <= 0n ? 0 : nearest(numerator, (n * n) << shift);
}

const greatest = BigInt(Number.MAX_VALUE);

/** The nearest float, infinite beyond them: what is made of it is a dead letter, where an error would keep its window for ever. */
function nearest(numerator: bigint, denominator: bigint): number {
  const bound = denominator * greatest;
  if (numerator > bound) return Number.POSITIVE_INFINITY;
  return numerator < -bound ? Number.NEGATIVE_INFINITY : divideIntegers(numerator, denominator);
}

/** The exact value as numerator / 2^shift; `special` when a term was infinite. */
function rational({ whole, partials }: ExactSum): {
  readonly numerator: bigint;
  readonly shift: bigint;
  readonly special?: number;
} {
  let numerator = BigInt(whole);
  let shift = 0n;
  for (const partial of partials) {
    const value = Number(partial);
    if (!Number.isFinite(value))
      return { numerator: 0n, shift: 0n, special: partials.reduce<number>((a, b) => a + Number(b), 0) };
    const [mantissa, down] = toMantissa(value);
    if (down > shift) [numerator, shift] = [numerator << (down - shift), down];
    numerator += mantissa << (shift - down);
  }
  return { numerator, shift };
}

/** value = mantissa / 2^down. Doubling is exact, so the loop ends after at most 1,074 steps and for ordinary numbers after some 50. */
function toMantissa(value: number): [mantissa: bigint, down: bigint] {
  let [mantissa, down] = [value, 0];
  while (!Number.isInteger(mantissa)) [mantissa, down] = [mantissa * 2, down + 1];
  return [BigInt(mantissa), BigInt(down)];
}
