import { stableHash } from '../../model/stable-hash.ts';

export interface PlanInput {
  readonly units: readonly string[];
  /** A member of weight 0 gets nothing: it is leaving. */
  readonly members: readonly { readonly agent: string; readonly weight: number }[];
  readonly previous: Readonly<Record<string, string>>;
  /** Not members now, but expected back: while they own anything it stays theirs, and what others own stays where it is, too. */
  readonly awaited?: ReadonlySet<string>;
}

/**
 * Who should own what: sticky weighted rendezvous, balanced. A pure function of its input, whatever the order of units and members,
 * so every member computes the same plan and it does not matter who commits it.
 *
 * 1. A unit stays with its owner while that one lives.
 * 2. An orphan goes to the member that scores highest for it.
 * 3. While the fullest member is more than one unit further above its share than the emptiest, it gives one: an orphan it just got
 *    if it has one, else the unit that scores highest for the receiver.
 *
 * While an awaited owner has anything, nothing but orphans is placed or balanced: whoever restarts and is back in time finds what it
 * had, and nothing has moved. Who joins meanwhile gets its share afterwards.
 *
 * So a join moves at most `ceil(units / members)`, a leave moves only orphans, and equal weights differ by at most one unit.
 */
export function planOwners(input: PlanInput): Readonly<Record<string, string>> {
  const alive = new Set(input.members.map(({ agent }) => agent));
  const kept = [...new Set(input.units)].flatMap((unit) => {
    const owner = Object.hasOwn(input.previous, unit) ? input.previous[unit] : undefined;
    return owner !== undefined && !alive.has(owner) && input.awaited?.has(owner) ? [[unit, owner] as const] : [];
  });
  const left = new Set(input.units);
  for (const [unit] of kept) left.delete(unit);
  return inOrder([...kept, ...Object.entries(shareOut({ ...input, units: [...left] }, kept.length > 0))]);
}

function inOrder(owners: readonly (readonly [unit: string, agent: string])[]): Readonly<Record<string, string>> {
  return Object.fromEntries([...owners].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function shareOut({ units, members, previous }: PlanInput, orphansOnly: boolean): Readonly<Record<string, string>> {
  const shares = sharesOf(units.length, members);
  if (shares.length === 0) return {};
  const byAgent = new Map(shares.map((share) => [share.agent, share]));
  const orphans: string[] = [];
  for (const unit of [...units].sort()) {
    const owner = Object.hasOwn(previous, unit) ? byAgent.get(previous[unit] ?? '') : undefined;
    if (owner === undefined) orphans.push(unit);
    else owner.kept.push(unit);
  }
  for (const unit of orphans) highest(shares, (share) => score(unit, share)).placed.push(unit);
  balance(shares, orphansOnly);
  return Object.fromEntries(
    shares.flatMap(({ agent, kept, placed }) => [...kept, ...placed].map((unit) => [unit, agent] as const)),
  );
}

interface Share {
  readonly agent: string;
  readonly weight: number;
  /** What it should have, a fraction. */
  readonly fair: number;
  readonly kept: string[];
  readonly placed: string[];
}

function sharesOf(units: number, members: PlanInput['members']): Share[] {
  const working = members.filter(({ weight }) => weight > 0).sort((a, b) => (a.agent < b.agent ? -1 : 1));
  const total = working.reduce((sum, { weight }) => sum + weight, 0);
  return working.map(({ agent, weight }) => ({ agent, weight, fair: (units * weight) / total, kept: [], placed: [] }));
}

function loadOf(share: Share): number {
  return share.kept.length + share.placed.length;
}

function excessOf(share: Share): number {
  return loadOf(share) - share.fair;
}

function balance(shares: readonly Share[], orphansOnly: boolean): void {
  for (;;) {
    const givers = orphansOnly ? shares.filter(({ placed }) => placed.length > 0) : shares;
    if (givers.length === 0) return;
    const giver = givers.reduce((a, b) => (moreToGive(b, a) ? b : a));
    const taker = shares.reduce((a, b) => (excessOf(b) < excessOf(a) ? b : a));
    // The rounding of fair shares must not make two members hand a unit back and forth.
    if (excessOf(giver) - excessOf(taker) <= 1 + 1e-9) return;
    const from = giver.placed.length > 0 ? giver.placed : giver.kept;
    const unit = highest(from, (each) => score(each, taker));
    from.splice(from.indexOf(unit), 1);
    taker.placed.push(unit);
  }
}

function moreToGive(a: Share, b: Share): boolean {
  const difference = excessOf(a) - excessOf(b);
  return difference === 0 ? a.placed.length > b.placed.length : difference > 0;
}

function highest<T>(items: readonly T[], rank: (item: T) => number): T {
  const ranked = items.map((item) => ({ item, rank: rank(item) }));
  return ranked.reduce((a, b) => (b.rank > a.rank ? b : a)).item;
}

// Weighted rendezvous: each member's chance to score highest is its part of the weights. `Math.log` may differ in the last digit
// between engines; then two members propose different plans, and the compare-and-set takes one.
function score(unit: string, { agent, weight }: Share): number {
  const uniform = (Number(stableHash([unit, agent]) >> 11n) + 0.5) / 2 ** 53;
  return -weight / Math.log(uniform);
}
