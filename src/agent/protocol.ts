import type { Group, Member } from '../coordination/group.ts';
import { Fault } from '../model/faults.ts';

/**
 * What the agents of a cluster say to each other: entries, commits, records, plans. It goes up by one with every change of them, and a build
 * reads and writes that of the one before as long as one such agent lives: so a cluster is brought to the next build, and back, one
 * agent after the other. Between two that are farther apart nobody could say what one makes of the other's entries.
 */
const spoken = 1;

/** `CEILOGRAPH_PROTOCOL`: this build as another one, for tests. */
export function spokenProtocol(env: NodeJS.ProcessEnv = process.env): number {
  return Number(env['CEILOGRAPH_PROTOCOL'] ?? spoken);
}

/** Throws a fatal Fault where an agent lives that this one cannot work with. While the group does not answer nobody can say. */
export async function requireNeighbours(group: Pick<Group, 'members'>, protocol: number): Promise<void> {
  const members = await group.members().catch((): readonly Member[] => []);
  const strangers = members.filter((member) => Math.abs(member.protocol - protocol) > 1);
  if (strangers.length === 0) return;
  const who = strangers.map(({ agent, host, build, protocol: theirs }) => `${agent} on ${host} (${build}, protocol ${theirs})`);
  throw new Fault(
    'fatal',
    'protocol_differs',
    `This build speaks protocol ${protocol} and works with the one before and the one after it, but ${who.join(', ')} ` +
      `${who.length === 1 ? 'is' : 'are'} running. → go through the releases between them, one after the other, or stop these agents first`,
  );
}
