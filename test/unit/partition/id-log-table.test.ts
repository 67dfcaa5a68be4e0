import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdTable } from '../../../src/core/partition/id-table.ts';

/** All at the two ends, so that long runs of cells form and one of them goes around the end of the table. */
const high = fc.constantFrom<number[]>(0, 1, 2, 0x7fffffff, 0xfffffffd, 0xfffffffe, 0xffffffff);
const id = fc.record({ high, low: fc.nat(30), seq: fc.nat(1000), owner: fc.integer({ min: 1, max: 3 }), stamp: fc.nat(255) });
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('add' as const), ids: fc.array(id, { maxLength: 40 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('keep' as const), of: fc.integer({ min: 1, max: 4 }), rest: fc.nat(3) }),
  },
);

type Id = typeof id extends fc.Arbitrary<infer T> ? T : never;
const text = (one: Id) => `${one.high} ${one.low} ${one.seq} ${one.owner} ${one.stamp}`;

function contents(table: IdTable): string[] {
  const found: string[] = [];
  table.each((cell) => {
    const [high, low, seq] = [table.high(cell), table.low(cell), table.seq(cell)];
    found.push(text({ high, low, seq, owner: table.owner(cell), stamp: table.stamp(cell) }));
  });
  return found.sort();
}

describe('the table of ids', () => {
  it('holds what was added and not removed, and finds it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const table = new IdTable();
        let plain: Id[] = [];
        for (const one of steps) {
          if (one.kind === 'add') {
            for (const each of one.ids) {
              table.add(each.high, each.low, each.seq, each.owner, each.stamp);
              plain.push(each);
            }
          } else {
            table.keepOnly((cell) => table.seq(cell) % one.of !== one.rest);
            plain = plain.filter((each) => each.seq % one.of !== one.rest);
          }
          expect(table.size).toBe(plain.length);
          expect(contents(table)).toEqual(plain.map(text).sort());
          for (const each of plain) {
            expect(table.has(each.high, each.low)).toBe(true);
            expect(table.holds(each.high, each.low, each.seq, each.owner)).toBe(true);
          }
          expect(table.has(0, 31)).toBe(false);
          expect(table.holds(0, 0, 1001, 1)).toBe(false);
        }
      }),
      { numRuns: 200 },
    );
  });
});
