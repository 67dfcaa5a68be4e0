import { describe, expect, it } from 'vitest';
import type { LeaseToken } from '../../../src/coordination/group.ts';
import type { Inventory } from '../../../src/core/liveness/inventory.ts';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import { isEvent } from '../../../src/model/item.ts';
import { runInventoryLoop } from '../../../src/pipeline/inventory-loop.ts';
import type { OwnerFeed } from '../../../src/pipeline/owner-feed.ts';
import { type PartitionRef, partitionName } from '../../../src/topics/topic.ts';

const hosts: PartitionRef = { cluster: 'c', sink: 'liveness', generation: 1, partition: 0 };
const announces: PartitionRef = { cluster: 'c', sink: 'liveness-announce', generation: 1, partition: 0 };

function inventory(intervals: Readonly<Record<string, number>>): Inventory {
  const one = (host: string, intervalMs: number) => ({
    host,
    address: '10.0.0.1',
    groups: [],
    parents: [],
    services: [{ name: 'uptime', intervalMs, toleranceMs: 1, downAfter: 1 }],
    triggers: [],
    maintenance: [],
  });
  return { hosts: new Map(Object.entries(intervals).map(([host, ms]) => [host, one(host, ms)])), groups: {} };
}

/** The loop, the leases it has, and what it said to whom. */
function world(first: Inventory) {
  const clock = new ManualClock(0);
  const over = new AbortController();
  const world = { clock, next: first, epochs: new Map<string, number>(), said: [] as string[] };
  const send: OwnerFeed['send'] = async ({ sink }, items) => {
    for (const item of items)
      if (!isEvent(item)) world.said.push(`${sink}: ${item.source.split(':').at(-1)} ${item.resource_id}`.trim());
  };
  const ended = runInventoryLoop(
    {
      load: async () => world.next,
      first,
      reloadMs: 10_000,
      hosts: [hosts],
      announces,
      owned: () => [...world.epochs].map(([unit, epoch]) => ({ unit, epoch, incarnation: 1 }) as unknown as LeaseToken),
      feed: { send } as OwnerFeed,
      clock,
      isWanted: () => false,
      report: () => undefined,
    },
    over.signal,
  );
  const heard = async (ms: number) => {
    world.said.length = 0;
    for (let passed = 0; passed < ms; passed += 500) {
      await clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return world.said.map((each) => each.replace('liveness: ', ''));
  };
  const end = async () => {
    over.abort();
    await ended;
  };
  return Object.assign(world, { heard, end });
}

describe('what partitions are told of the inventory', () => {
  it('is all of it once, then what changed, and all again when the lease is another or five reloads have passed', async () => {
    const loop = world(inventory({ a: 1, b: 1 }));
    loop.epochs.set(partitionName(hosts), 1);
    const first = await loop.heard(1_000);
    const nothing = await loop.heard(8_000);
    loop.next = inventory({ a: 1, b: 2 });
    const changed = await loop.heard(2_000);
    loop.next = inventory({ b: 2 });
    const gone = await loop.heard(10_000);
    loop.epochs.set(partitionName(hosts), 2);
    const anew = await loop.heard(1_000);
    const later = await loop.heard(60_000);
    await loop.end();

    expect(first).toEqual(['host a', 'host b', 'roster']);
    expect(nothing).toEqual([]);
    expect(changed).toEqual(['host b']);
    expect(gone).toEqual(['roster']);
    expect(anew).toEqual(['host b', 'roster']);
    expect(later).toEqual(['host b', 'roster']);
  });

  it('is for their owners alone to say', async () => {
    const loop = world(inventory({ a: 1 }));
    loop.epochs.set(partitionName(announces), 1);

    expect(await loop.heard(5_000)).toEqual(['liveness-announce: fleet']);
    await loop.end();
  });
});
