import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Pair, pairInOrder, pairUnordered } from '../../../src/testing/pair-items.ts';

const small = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 12 });
const fitsOf = (expected: readonly number[], got: readonly number[]) => (i: number, j: number) => expected[i] === got[j];
const present = (places: readonly (number | null)[]) => places.filter((place) => place !== null);
const upTo = (length: number) => Array.from({ length }, (_, i) => i);

describe.each([
  ['in order', pairInOrder],
  ['in any order', pairUnordered],
])('pairing %s', (_name, pair) => {
  it('names everything that was expected and everything that came exactly once', () => {
    fc.assert(
      fc.property(small, small, (expected, got) => {
        const pairs: readonly Pair[] = pair(expected.length, got.length, fitsOf(expected, got));

        expect(present(pairs.map((each) => each.expected)).sort((a, b) => a - b)).toEqual(upTo(expected.length));
        expect(present(pairs.map((each) => each.got)).sort((a, b) => a - b)).toEqual(upTo(got.length));
      }),
    );
  });
});

describe('pairing in order', () => {
  it('does not cross, and lets one missing item be the only difference', () => {
    fc.assert(
      fc.property(small, fc.nat(), (expected, where) => {
        fc.pre(expected.length > 0);
        const got = expected.toSpliced(where % expected.length, 1);

        const pairs = pairInOrder(expected.length, got.length, fitsOf(expected, got));

        expect(pairs.filter((each) => each.got === null)).toHaveLength(1);
        expect(pairs.every((each) => each.got === null || expected[each.expected as number] === got[each.got])).toBe(true);
        const places = present(pairs.map((each) => each.got));
        expect(places).toEqual(places.toSorted((a, b) => a - b));
      }),
    );
  });

  it('is quick about two long lists that have nothing in common', () => {
    let asked = 0;
    const fits = () => {
      asked += 1;
      return false;
    };

    expect(pairInOrder(5_000, 5_000, fits)).toHaveLength(5_000);
    expect(asked).toBeLessThan(10);
  });
});

describe('pairing in any order', () => {
  it('lets an expected item that fits several give way to one that fits only one', () => {
    const pairs = pairUnordered(2, 2, (i, j) => i === 0 || j === 0);

    expect(pairs.toSorted((a, b) => (a.expected ?? 0) - (b.expected ?? 0))).toEqual([
      { expected: 0, got: 1 },
      { expected: 1, got: 0 },
    ]);
  });
});
