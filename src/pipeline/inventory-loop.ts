import type { LeaseToken } from '../coordination/group.ts';
import { type HostDefinition, toJson } from '../core/liveness/host-definition.ts';
import type { Inventory } from '../core/liveness/inventory.ts';
import { itemSources, livenessItem } from '../core/liveness/items.ts';
import type { Clock } from '../lib/clock.ts';
import { classify } from '../model/faults.ts';
import type { Item } from '../model/item.ts';
import type { JsonObject } from '../model/json.ts';
import { partitionOf, stableId } from '../model/stable-hash.ts';
import { type PartitionRef, partitionName } from '../topics/topic.ts';
import type { OwnerFeed } from './owner-feed.ts';

/**
 * Who is expected, told to the partitions of the hosts by their owners: all of it to a partition that is newly ours, then what changed, and all
 * of it again now and then, which mends what a former owner told late. What is the same changes nothing there.
 */
export interface InventoryLoopDeps {
  /** The same object while nothing has changed. Throws what is wrong with it. */
  readonly load: () => Promise<Inventory>;
  readonly first: Inventory;
  readonly reloadMs: number;
  /** The partitions of the hosts, in their order, and the one that announces. */
  readonly hosts: readonly PartitionRef[];
  readonly announces: PartitionRef;
  readonly owned: () => readonly LeaseToken[];
  readonly feed: OwnerFeed;
  readonly clock: Clock;
  /** Somebody wants it read at once; asked again it is no. */
  readonly isWanted: () => boolean;
  readonly report: (
    event:
      | { readonly kind: 'loaded'; readonly hosts: number; readonly changed: number }
      | { readonly kind: 'refused'; readonly error: unknown },
  ) => void;
}

const lookMs = 500;
const anewEvery = 5;

/** What an owner has told one of its partitions, under one lease. */
interface Told {
  readonly lease: string;
  readonly revisions: Revisions;
  reloads: number;
}

export async function runInventoryLoop(deps: InventoryLoopDeps, signal: AbortSignal): Promise<void> {
  const told = new Map<string, Told>();
  let current = share(deps.first, deps.hosts.length);
  let due = deps.clock.monotonic() + deps.reloadMs;
  deps.report({ kind: 'loaded', hosts: deps.first.hosts.size, changed: deps.first.hosts.size });
  while (!signal.aborted) {
    if (deps.isWanted() || deps.clock.monotonic() >= due) {
      due = deps.clock.monotonic() + deps.reloadMs;
      current = (await reload(deps, current)) ?? current;
      for (const one of told.values()) one.reloads += 1;
    }
    try {
      await tellAll(deps, current, told, signal);
    } catch (error) {
      if (!signal.aborted && classify(error).class !== 'retryable') throw error;
    }
    await deps.clock.sleep(lookMs, signal).catch(() => undefined);
  }
}

/** By name, the revision of what is said of it. Nothing has changed while the object is the same. */
type Revisions = ReadonlyMap<string, string>;

interface Share {
  readonly revisions: Revisions;
  readonly definitions: ReadonlyMap<string, HostDefinition>;
}

interface Shares {
  readonly of: Inventory;
  /** For who announces: how many there are, of which groups. */
  readonly fleet: { readonly revisions: Revisions; readonly counted: JsonObject };
  readonly partitions: readonly Share[];
}

function share(of: Inventory, partitions: number): Shares {
  const { hosts, groups } = of;
  const shares = Array.from({ length: partitions }, () => ({
    revisions: new Map<string, string>(),
    definitions: new Map<string, HostDefinition>(),
  }));
  for (const [host, definition] of hosts) {
    const mine = shares[partitionOf([host], partitions)];
    mine?.revisions.set(host, stableId([JSON.stringify(definition)]));
    mine?.definitions.set(host, definition);
  }
  const counted = { total: hosts.size, groups };
  const fleet = { revisions: new Map([['', stableId([JSON.stringify(counted)])]]), counted };
  return { of, fleet, partitions: shares };
}

/** Null when it cannot be used: the old one stays. */
async function reload(deps: InventoryLoopDeps, before: Shares): Promise<Shares | null> {
  try {
    const loaded = await deps.load();
    if (loaded === before.of) return before;
    const next = share(loaded, deps.hosts.length);
    let changed = 0;
    next.partitions.forEach(({ revisions }, i) => {
      const old = before.partitions[i]?.revisions;
      for (const [host, revision] of revisions) if (old?.get(host) !== revision) changed += 1;
      for (const host of old?.keys() ?? []) if (!revisions.has(host)) changed += 1;
    });
    if (changed > 0) deps.report({ kind: 'loaded', hosts: loaded.hosts.size, changed });
    return next;
  } catch (error) {
    deps.report({ kind: 'refused', error });
    return null;
  }
}

async function tellAll(deps: InventoryLoopDeps, shares: Shares, told: Map<string, Told>, signal: AbortSignal): Promise<void> {
  const leases = new Map(deps.owned().map((token) => [token.unit, `${token.incarnation}/${token.epoch}`]));
  for (const unit of told.keys()) if (!leases.has(unit)) told.delete(unit);
  const { fleet } = shares;
  const count = () => [item(deps, itemSources.fleet, '', fleet.counted)];
  await tellOne(deps, deps.announces, leases, told, fleet.revisions, count, signal);
  for (const [i, ref] of deps.hosts.entries()) {
    const mine = shares.partitions[i];
    if (mine === undefined) continue;
    const items = (changed: readonly string[], isRoster: boolean) => {
      const out = changed.flatMap((host) => {
        const definition = mine.definitions.get(host);
        return definition === undefined ? [] : [item(deps, itemSources.host, host, toJson(definition))];
      });
      return isRoster ? [...out, item(deps, itemSources.roster, '', { hosts: [...mine.revisions.keys()] })] : out;
    };
    await tellOne(deps, ref, leases, told, mine.revisions, items, signal);
  }
}

/** Sends what differs from what was told under this lease; the whole list of names when somebody went or all of it is new. */
async function tellOne(
  deps: InventoryLoopDeps,
  ref: PartitionRef,
  leases: ReadonlyMap<string, string>,
  told: Map<string, Told>,
  revisions: Revisions,
  items: (changed: readonly string[], isRoster: boolean) => readonly Item[],
  signal: AbortSignal,
): Promise<void> {
  const unit = partitionName(ref);
  const lease = leases.get(unit);
  if (lease === undefined) return;
  const before = told.get(unit);
  const known = before?.lease === lease && before.reloads < anewEvery ? before : null;
  if (known?.revisions === revisions) return;
  const changed = [...revisions].flatMap(([host, revision]) => (known?.revisions.get(host) === revision ? [] : [host]));
  const gone = known === null || [...known.revisions.keys()].some((host) => !revisions.has(host));
  if (changed.length > 0 || gone) await deps.feed.send(ref, items(changed, gone), signal);
  told.set(unit, { lease, revisions, reloads: known?.reloads ?? 0 });
}

function item(
  { clock }: InventoryLoopDeps,
  source: Parameters<typeof livenessItem>[0],
  host: string,
  data: Parameters<typeof livenessItem>[3],
): Item {
  return livenessItem(source, host, '', data, stableId([source, host, JSON.stringify(data)]), clock.now());
}
