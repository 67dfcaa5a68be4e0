import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addSquareTo, addTo, readMean, readSum, readVariance, zeroSum } from '../../../src/core/expression/exact-sum.ts';
import { type Numeric, toFloat } from '../../../src/model/json.ts';

const sumOf = (terms: readonly Numeric[]) => terms.reduce(addTo, zeroSum);
const squaresOf = (terms: readonly Numeric[]) => terms.reduce(addSquareTo, zeroSum);
const term = fc.oneof(fc.integer(), fc.double({ noNaN: true, min: -1e100, max: 1e100 }).map(toFloat), fc.bigInt());

describe('an exact sum', () => {
  it('does not depend on the order of its terms', () => {
    const shuffled = fc
      .array(term, { minLength: 1, maxLength: 20 })
      .chain((terms) => fc.tuple(fc.constant(terms), fc.shuffledSubarray(terms, { minLength: terms.length })));

    fc.assert(
      fc.property(shuffled, ([terms, others]) => {
        expect(readSum(sumOf(others))).toEqual(readSum(sumOf(terms)));
        expect(readMean(sumOf(others), others.length)).toEqual(readMean(sumOf(terms), terms.length));
        expect(readVariance(sumOf(others), squaresOf(others), others.length)).toBe(
          readVariance(sumOf(terms), squaresOf(terms), terms.length),
        );
      }),
    );
  });

  it('loses no digit to cancellation', () => {
    const terms = [1e16, 1, -1e16, 0.5].map(toFloat);

    expect(readSum(sumOf(terms))).toBe(1.5);
    expect(readVariance(sumOf([1e9 + 0.5, 1e9 + 1.5]), squaresOf([1e9 + 0.5, 1e9 + 1.5]), 2)).toBe(0.25);
  });

  it('stays an int while only ints come', () => {
    expect(readSum(sumOf([2 ** 53 - 1, 2 ** 53 - 1, 1]))).toBe(18_014_398_509_481_983n);
  });
});
