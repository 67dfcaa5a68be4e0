import type { LeaseToken } from '../coordination/group.ts';
import { toJson } from '../core/liveness/host-definition.ts';
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
  readonly said: Said;
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

/** By name, what is said of it, as its owner holds it anyway. Nothing has changed while the map is the same. */
type Said = ReadonlyMap<string, JsonObject>;

interface Shares {
  readonly of: Inventory;
  /** For who announces: how many there are, of which groups. */
  readonly fleet: Said;
  readonly partitions: readonly Said[];
}

function share(of: Inventory, partitions: number): Shares {
  const shares = Array.from({ length: partitions }, () => new Map<string, JsonObject>());
  for (const [host, definition] of of.hosts) shares[partitionOf([host], partitions)]?.set(host, toJson(definition));
  return { of, fleet: new Map([['', { total: of.hosts.size, groups: of.groups }]]), partitions: shares };
}

/** Both are made by us, in one order of keys. */
function isSame(a: JsonObject | undefined, b: JsonObject): boolean {
  return a === b || (a !== undefined && JSON.stringify(a) === JSON.stringify(b));
}

/** Null when it cannot be used: the old one stays. */
async function reload(deps: InventoryLoopDeps, before: Shares): Promise<Shares | null> {
  try {
    const loaded = await deps.load();
    if (loaded === before.of) return before;
    const next = share(loaded, deps.hosts.length);
    let changed = 0;
    next.partitions.forEach((said, i) => {
      const old = before.partitions[i];
      for (const [host, definition] of said) if (!isSame(old?.get(host), definition)) changed += 1;
      for (const host of old?.keys() ?? []) if (!said.has(host)) changed += 1;
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
  const count = () => [...shares.fleet.values()].map((counted) => item(deps, itemSources.fleet, '', counted));
  await tellOne(deps, deps.announces, leases, told, shares.fleet, count, signal);
  for (const [i, ref] of deps.hosts.entries()) {
    const mine = shares.partitions[i];
    if (mine === undefined) continue;
    const items = (changed: readonly string[], isRoster: boolean) => {
      const out = changed.flatMap((host) => {
        const definition = mine.get(host);
        return definition === undefined ? [] : [item(deps, itemSources.host, host, definition)];
      });
      return isRoster ? [...out, item(deps, itemSources.roster, '', { hosts: [...mine.keys()] })] : out;
    };
    await tellOne(deps, ref, leases, told, mine, items, signal);
  }
}

/** Sends what differs from what was told under this lease; the whole list of names when somebody went or all of it is new. */
async function tellOne(
  deps: InventoryLoopDeps,
  ref: PartitionRef,
  leases: ReadonlyMap<string, string>,
  told: Map<string, Told>,
  said: Said,
  items: (changed: readonly string[], isRoster: boolean) => readonly Item[],
  signal: AbortSignal,
): Promise<void> {
  const unit = partitionName(ref);
  const lease = leases.get(unit);
  if (lease === undefined) return;
  const before = told.get(unit);
  const known = before?.lease === lease && before.reloads < anewEvery ? before : null;
  if (known?.said === said) return;
  const changed = [...said].flatMap(([host, each]) => (isSame(known?.said.get(host), each) ? [] : [host]));
  const gone = known === null || [...known.said.keys()].some((host) => !said.has(host));
  if (changed.length > 0 || gone) await deps.feed.send(ref, items(changed, gone), signal);
  told.set(unit, { lease, said, reloads: known?.reloads ?? 0 });
}

function item(
  { clock }: InventoryLoopDeps,
  source: Parameters<typeof livenessItem>[0],
  host: string,
  data: Parameters<typeof livenessItem>[3],
): Item {
  return livenessItem(source, host, '', data, stableId([source, host, JSON.stringify(data)]), clock.now());
}
