import type { Member, Unit } from '../coordination/group.ts';
import { planAmongAble } from './able-members.ts';

/** The name of the fact in which an agent tells which units only it can still write back, with their versions. */
const fact = 'holds';

export function withHeldUnits(member: Member, held: Readonly<Record<Unit, number>>): Member {
  return Object.keys(held).length === 0 ? member : { ...member, facts: { ...member.facts, [fact]: JSON.stringify(held) } };
}

/**
 * After the store has lost everything: by unit, the agent that holds its latest state. The unit must be that agent's until it is written
 * back, whatever a plan that knows nothing of before would say.
 */
export function heldUnits(members: readonly Member[]): Readonly<Record<Unit, string>> {
  const best = new Map<Unit, { readonly agent: string; readonly version: number }>();
  for (const { agent, facts } of members) {
    const text = facts[fact];
    if (text === undefined) continue;
    for (const [unit, version] of Object.entries(JSON.parse(text) as Record<Unit, number>)) {
      const known = best.get(unit);
      if (known === undefined || version > known.version || (version === known.version && agent < known.agent))
        best.set(unit, { agent, version });
    }
  }
  return Object.fromEntries([...best].map(([unit, { agent }]) => [unit, agent]));
}

type Planning = Parameters<typeof planAmongAble>[0];

/**
 * A plan in which what is held stays where it is held. It counts as its holder's share: planned without it, the other units would be evened out among
 * all, and taken from owners who are to go on with them, while one unit after the other is written back.
 */
export function planAroundHeld(input: Planning, held: Readonly<Record<Unit, string>>): Readonly<Record<Unit, string>> {
  return { ...planAmongAble({ ...input, previous: { ...input.previous, ...held } }), ...held };
}
