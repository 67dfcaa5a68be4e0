import { expect, it } from 'vitest';
import type { Member } from '../../../src/coordination/group.ts';
import { heldUnits, withHeldUnits } from '../../../src/pipeline/held-units.ts';

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
