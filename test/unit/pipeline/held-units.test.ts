import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Member } from '../../../src/coordination/group.ts';
import { heldUnits, planAroundHeld, withHeldUnits } from '../../../src/pipeline/held-units.ts';

const member = (agent: string): Member => ({
  agent,
  boot: 'b',
  weight: 1,
  protocol: 1,
  build: '1',
  host: 'h',
  pid: 1,
  facts: { x: 'y' },
});

it('A unit that its store forgot is for whoever holds its latest version', () => {
  const members = [
    withHeldUnits(member('b'), { u1: 3, u2: 4, u3: 1 }),
    withHeldUnits(member('a'), { u1: 5, u2: 4 }),
    withHeldUnits(member('c'), {}),
  ];

  expect(heldUnits(members)).toEqual({ u1: 'a', u2: 'a', u3: 'b' });
  expect(members[0]?.facts).toMatchObject({ x: 'y' });
  expect(members[2]).toEqual(member('c'));
});

describe('a plan while units are held', () => {
  const members = [member('a'), member('b'), member('c')];
  const units = Array.from({ length: 40 }, (_, i) => `cg.c.s.g1.p${i}`);

  it('moves nothing when each is held by who owns it, whichever they are', () => {
    const previous = planAroundHeld({ units, members, previous: {} }, {});

    fc.assert(
      fc.property(fc.subarray(units), (some) => {
        const held = Object.fromEntries(some.map((unit) => [unit, previous[unit] ?? '']));

        expect(planAroundHeld({ units, members, previous }, held)).toEqual(previous);
      }),
    );
  });

  it('gives a unit to who holds it, and no other unit but to even that out', () => {
    const previous = planAroundHeld({ units, members, previous: {} }, {});
    const [unit = ''] = units.filter((each) => previous[each] === 'a');

    const plan = planAroundHeld({ units, members, previous }, { [unit]: 'b' });

    expect(plan[unit]).toBe('b');
    expect(units.filter((each) => plan[each] !== previous[each]).length).toBeLessThanOrEqual(2);
  });
});
