import { type Lot, lotOf, score } from './rendezvous.ts';

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
  const { previous, awaited } = input;
  const alive = new Set(input.members.map(({ agent }) => agent));
  const units = [...new Set(input.units)].sort();
  const owners = new Map<string, string>();
  const left: string[] = [];
  for (const unit of units) {
    const owner = Object.hasOwn(previous, unit) ? previous[unit] : undefined;
    if (owner !== undefined && !alive.has(owner) && awaited?.has(owner) === true) owners.set(unit, owner);
    else left.push(unit);
  }
  const orphansOnly = owners.size > 0;
  for (const { agent, kept, placed } of shareOut(left, input, orphansOnly))
    for (const unit of [...kept, ...placed]) owners.set(unit, agent);
  return Object.fromEntries(
    units.flatMap((unit) => {
      const owner = owners.get(unit);
      return owner === undefined ? [] : [[unit, owner]];
    }),
  );
}

function shareOut(units: readonly string[], { members, previous }: PlanInput, orphansOnly: boolean): readonly Share[] {
  const shares = sharesOf(units.length, members);
  if (shares.length === 0) return [];
  const byAgent = new Map(shares.map((share) => [share.agent, share]));
  const orphans: string[] = [];
  for (const unit of units) {
    const owner = Object.hasOwn(previous, unit) ? byAgent.get(previous[unit] ?? '') : undefined;
    if (owner === undefined) orphans.push(unit);
    else owner.kept.push(unit);
  }
  const lots = new Lots();
  for (const unit of orphans) takerOf(lots.of(unit), shares).placed.push(unit);
  balance(shares, orphansOnly, lots);
  return shares;
}

interface Share {
  readonly agent: string;
  readonly lot: Lot;
  readonly weight: number;
  /** What it should have, a fraction. */
  readonly fair: number;
  readonly kept: string[];
  readonly placed: string[];
}

/** Each unit's lot, hashed when first asked for: most plans ask for few. */
class Lots {
  readonly #lots = new Map<string, Lot>();

  of(unit: string): Lot {
    const known = this.#lots.get(unit);
    if (known !== undefined) return known;
    const lot = lotOf(unit);
    this.#lots.set(unit, lot);
    return lot;
  }
}

function sharesOf(units: number, members: PlanInput['members']): Share[] {
  const working = members.filter(({ weight }) => weight > 0).sort((a, b) => (a.agent < b.agent ? -1 : 1));
  const total = working.reduce((sum, { weight }) => sum + weight, 0);
  return working.map(({ agent, weight }) => ({
    agent,
    lot: lotOf(agent),
    weight,
    fair: (units * weight) / total,
    kept: [],
    placed: [],
  }));
}

function loadOf(share: Share): number {
  return share.kept.length + share.placed.length;
}

function excessOf(share: Share): number {
  return loadOf(share) - share.fair;
}

function balance(shares: readonly Share[], orphansOnly: boolean, lots: Lots): void {
  for (;;) {
    const givers = orphansOnly ? shares.filter(({ placed }) => placed.length > 0) : shares;
    if (givers.length === 0) return;
    const giver = givers.reduce((a, b) => (moreToGive(b, a) ? b : a));
    const taker = shares.reduce((a, b) => (excessOf(b) < excessOf(a) ? b : a));
    // The rounding of fair shares must not make two members hand a unit back and forth.
    if (excessOf(giver) - excessOf(taker) <= 1 + 1e-9) return;
    const from = giver.placed.length > 0 ? giver.placed : giver.kept;
    const [unit = ''] = from.splice(bestFor(taker, from, lots), 1);
    taker.placed.push(unit);
  }
}

function moreToGive(a: Share, b: Share): boolean {
  const difference = excessOf(a) - excessOf(b);
  return difference === 0 ? a.placed.length > b.placed.length : difference > 0;
}

/** The member that scores highest for the unit. Plain loops, for they run a hundred million times; of equals the first counts. */
function takerOf(unit: Lot, shares: readonly Share[]): Share {
  let [best] = shares as readonly [Share, ...Share[]];
  let highest = Number.NEGATIVE_INFINITY;
  for (const share of shares) {
    const reached = score(unit, share.lot, share.weight);
    if (reached > highest) [best, highest] = [share, reached];
  }
  return best;
}

/** Where in `units` the one stands that scores highest for the member. */
function bestFor({ lot, weight }: Share, units: readonly string[], lots: Lots): number {
  let best = 0;
  let highest = Number.NEGATIVE_INFINITY;
  for (const [index, unit] of units.entries()) {
    const reached = score(lots.of(unit), lot, weight);
    if (reached > highest) [best, highest] = [index, reached];
  }
  return best;
}
