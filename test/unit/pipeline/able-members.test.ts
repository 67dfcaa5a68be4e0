import { describe, expect, it } from 'vitest';
import type { Member } from '../../../src/coordination/group.ts';
import { configurationFacts, foreignSinks, planAmongAble } from '../../../src/pipeline/able-members.ts';

const member = (agent: string, sinks: Readonly<Record<string, string>> | null, loadedAt = 0): Member => ({
  ...{ agent, boot: agent, weight: 1, protocol: 1, build: 't', host: 'h', pid: 1 },
  facts: sinks === null ? {} : configurationFacts({ hash: JSON.stringify(sinks), sinks, loadedAt }),
});
const unitsOf = (sink: string) => [0, 1, 2, 3].map((n) => `cg.c.${sink}.g1.p${n}`);
const units = [...unitsOf('a'), ...unitsOf('b')];
const ownersOf = (sink: string, members: readonly Member[], previous: Readonly<Record<string, string>> = {}) => {
  const owners = planAmongAble({ units, members, previous });
  return new Set(unitsOf(sink).map((unit) => owners[unit]));
};

describe('who may own the partitions of a sink', () => {
  it('is everybody while all have the same configuration, or say nothing of it', () => {
    expect(ownersOf('a', [member('x', { a: '1', b: '1' }), member('y', { a: '1', b: '1' })])).toEqual(new Set(['x', 'y']));
    expect(ownersOf('a', [member('x', null), member('y', null)])).toEqual(new Set(['x', 'y']));
  });

  it('is who has the configuration that most have, and the other sinks are everybody’s', () => {
    const members = [member('x', { a: '2', b: '1' }, 9), member('y', { a: '1', b: '1' }), member('z', { a: '1', b: '1' })];

    expect(ownersOf('a', members)).toEqual(new Set(['y', 'z']));
    expect(ownersOf('b', members).size).toBeGreaterThan(1);
  });

  it('is who loaded last, of equally many', () => {
    expect(ownersOf('a', [member('x', { a: '1' }, 5), member('y', { a: '2' }, 6)])).toEqual(new Set(['y']));
  });

  it('is nobody who does not know the sink', () => {
    expect(ownersOf('b', [member('x', { a: '1' }), member('y', { a: '1', b: '1' })])).toEqual(new Set(['y']));
  });

  it('changes once for each partition while a change is rolled out over three', () => {
    const names = ['x', 'y', 'z'];
    let previous: Readonly<Record<string, string>> = {};
    const hashesSeen = new Map<string, string[]>(unitsOf('a').map((unit) => [unit, []]));
    for (const reloaded of [0, 1, 2, 3]) {
      const members = names.map((name, n) => member(name, { a: n < reloaded ? '2' : '1', b: '1' }, n < reloaded ? 9 : 1));
      previous = planAmongAble({ units, members, previous });
      for (const unit of unitsOf('a')) {
        const hash = names.indexOf(previous[unit] ?? '') < reloaded ? '2' : '1';
        const seen = hashesSeen.get(unit) ?? [];
        if (seen.at(-1) !== hash) seen.push(hash);
      }
    }

    for (const seen of hashesSeen.values()) expect(seen).toEqual(['1', '2']);
  });
});

describe('the sinks of which a member takes nothing', () => {
  it('are those that most run under another configuration', () => {
    const members = [member('x', { a: '2', b: '1' }, 9), member('y', { a: '1', b: '1' }), member('z', { a: '1' })];

    expect(foreignSinks('x', members)).toEqual(new Set(['a']));
    expect(foreignSinks('y', members)).toEqual(new Set());
  });

  it('are none where it says nothing of its configuration, or is not known', () => {
    expect(foreignSinks('x', [member('x', null), member('y', { a: '1' })])).toEqual(new Set());
    expect(foreignSinks('w', [member('y', { a: '1' })])).toEqual(new Set());
  });
});
