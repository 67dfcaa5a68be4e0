import type { Member, Unit } from '../coordination/group.ts';
import { type PlanInput, planOwners } from '../core/partition/plan.ts';
import { parsePartitionName } from '../topics/topic.ts';

/** What a member says of its configuration. */
export interface ConfigurationFacts {
  /** Of everything that changes results: equal where two agents compute the same. */
  readonly hash: string;
  /** Of each sink it has. */
  readonly sinks: Readonly<Record<string, string>>;
  /** Epoch ms, by its own clock. */
  readonly loadedAt: number;
}

const fact = 'configuration';
const hashLength = 12;

export function configurationFacts({ hash, sinks, loadedAt }: ConfigurationFacts): Readonly<Record<string, string>> {
  const short = Object.fromEntries(Object.entries(sinks).map(([sink, text]) => [sink, text.slice(0, hashLength)]));
  return { [fact]: JSON.stringify({ hash: hash.slice(0, hashLength), sinks: short, loadedAt }) };
}

/** Null of a member that says nothing of it. */
export function configurationOf(member: Pick<Member, 'facts'>): ConfigurationFacts | null {
  const text = member.facts[fact];
  return text === undefined ? null : (JSON.parse(text) as ConfigurationFacts);
}

/**
 * Who should own what, while not all members have the same configuration of a sink: its partitions go to members that have the one that most
 * have, of equally many the one that was loaded last. So while a change is rolled out no partition goes back and forth between two ways of
 * computing it, and none goes to a member that does not know its sink. Every member computes the same, from the same member records.
 */
export function planAmongAble(
  input: Omit<PlanInput, 'members'> & { readonly members: readonly Member[] },
): Readonly<Record<string, string>> {
  const speaking = input.members.map((member) => ({ member, configuration: configurationOf(member) }));
  const ableOf = new Map<string, readonly Member[]>();
  const groups = new Map<string, { readonly members: readonly Member[]; readonly units: Unit[] }>();
  for (const unit of input.units) {
    const sink = parsePartitionName(unit)?.sink ?? '';
    const able = ableOf.get(sink) ?? ableFor(sink, speaking);
    ableOf.set(sink, able);
    const key = able.map(({ agent }) => agent).join(' ');
    const group = groups.get(key) ?? { members: able, units: [] };
    groups.set(key, group);
    group.units.push(unit);
  }
  const owners: Record<string, string> = {};
  for (const { members, units } of groups.values()) {
    const weights = members.map(({ agent, weight }) => ({ agent, weight }));
    Object.assign(owners, planOwners({ ...input, units, members: weights }));
  }
  return owners;
}

/**
 * Sinks that are run under another configuration than this member's. It takes no partition of theirs whatever the plan says, which may be older than the
 * configuration that it was started with: else the partition would be computed in that way for a moment, and then in the old one again.
 */
export function foreignSinks(agent: string, members: readonly Member[]): ReadonlySet<string> {
  const speaking = members.map((member) => ({ member, configuration: configurationOf(member) }));
  const own = speaking.find(({ member }) => member.agent === agent)?.configuration ?? null;
  const sinks = Object.entries(own?.sinks ?? {});
  return new Set(sinks.filter(([sink, hash]) => chosenFor(sink, speaking) !== hash).map(([sink]) => sink));
}

type Speaking = { readonly member: Member; readonly configuration: ConfigurationFacts | null };

function ableFor(sink: string, speaking: readonly Speaking[]): readonly Member[] {
  const chosen = chosenFor(sink, speaking);
  // Who says nothing of its configuration is an older build, or a test: it takes what it is given, as ever.
  return speaking
    .filter(({ configuration }) => configuration === null || chosen === null || configuration.sinks[sink] === chosen)
    .map(({ member }) => member);
}

/** The hash that its partitions are run under; null where nobody says one. */
function chosenFor(sink: string, speaking: readonly Speaking[]): string | null {
  const having = new Map<string, { count: number; loadedAt: number }>();
  for (const { configuration } of speaking) {
    const hash = configuration?.sinks[sink];
    if (configuration === null || hash === undefined) continue;
    const known = having.get(hash) ?? { count: 0, loadedAt: 0 };
    having.set(hash, { count: known.count + 1, loadedAt: Math.max(known.loadedAt, configuration.loadedAt) });
  }
  const [chosen] = [...having].sort(
    ([a, one], [b, other]) => other.count - one.count || other.loadedAt - one.loadedAt || (a < b ? -1 : 1),
  );
  return chosen?.[0] ?? null;
}
