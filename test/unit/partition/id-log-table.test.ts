import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdTable } from '../../../src/core/partition/id-table.ts';

/** All at the two ends, so that long runs of cells form and one of them goes around the end of the table. */
const high = fc.constantFrom<number[]>(0, 1, 2, 0x7fffffff, 0xfffffffd, 0xfffffffe, 0xffffffff);
const id = fc.record({ high, low: fc.nat(30), seq: fc.nat(1000), owner: fc.integer({ min: 1, max: 3 }), stamp: fc.nat(255) });
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      ids: fc.array(id, { maxLength: 40 }),
      times: fc.constantFrom(1, 30, 150),
    }),
  },
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
      fc.property(fc.array(step, { minLength: 3, maxLength: 12, size: 'max' }), (steps) => {
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
          const lost = plain.filter((each) => !table.has(each.high, each.low));
          const changed = plain.filter((each) => !table.holds(each.high, each.low, each.seq, each.owner));
          expect([lost, changed]).toEqual([[], []]);
          expect(table.has(0, 31)).toBe(false);
          expect(table.holds(0, 0, 1001, 1)).toBe(false);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('grows and shrinks over many pages, with runs of cells from one to the next', () => {
    const table = new IdTable();
    // Every twentieth of one home in the middle, where pages meet while their number is even.
    const ids = Array.from({ length: 20_000 }, (_, i): Id => {
      const scattered = Math.imul(i + 1, 2654435761) >>> 0;
      return { high: i % 20 === 0 ? 0x7fffffff : scattered, low: i, seq: i, owner: 1 + (i % 3), stamp: i % 256 };
    });
    let held: Id[] = [];
    const check = () => {
      expect(table.size).toBe(held.length);
      expect(contents(table)).toEqual(held.map(text).sort());
      expect(held.filter((one) => !table.has(one.high, one.low))).toEqual([]);
    };
    for (const one of ids) {
      table.add(one.high, one.low, one.seq, one.owner, one.stamp);
      held.push(one);
      if (held.length % 2_500 === 0) check();
    }
    for (const keep of [(seq: number) => seq % 3 !== 0, (seq: number) => seq % 20 === 0, (seq: number) => seq > 19_000]) {
      table.keepOnly((cell) => keep(table.seq(cell)));
      held = held.filter((one) => keep(one.seq));
      check();
    }
  });
});
