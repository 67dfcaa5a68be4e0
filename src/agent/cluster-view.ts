import type { Member } from '../coordination/group.ts';
import type { DeadLetterStats } from '../pipeline/dead-letters.ts';
import { partitionName } from '../topics/topic.ts';
import type { Places } from './places.ts';
import { type Trouble, troubleOf } from './troubles.ts';

/** What anyone who can read the data directory can know of a running cluster. The shape `status --json` prints, version 1. */
export interface ClusterView {
  readonly version: 1;
  readonly members: readonly Member[];
  readonly partitions: readonly PartitionView[];
  readonly deadLetters: DeadLetterStats;
}

export interface PartitionView {
  readonly unit: string;
  readonly sink: string;
  readonly partition: number;
  /** Null when nobody holds a living lease. */
  readonly owner: string | null;
  /** Which process of that name. */
  readonly boot: string | null;
  readonly epoch: number;
  readonly expiresInMs: number;
  /** Entries that wait to be applied. */
  readonly entries: number;
  readonly bytes: number;
  readonly boundBytes: number;
  /** When the oldest entry that waits was written (epoch ms), where that is known. */
  readonly oldestAt: number | null;
  readonly stateVersion: number;
  readonly outboxItems: number;
  readonly outboxBytes: number;
  /** Why it does not go on, as an agent says that tried. */
  readonly trouble: Trouble | null;
}

export async function readClusterView(
  places: Pick<Places, 'topics' | 'group' | 'store'>,
  cluster: string,
  deadLetters: DeadLetterStats,
): Promise<ClusterView> {
  const { group, topics, store } = places;
  const members = await group.members();
  const leases = new Map((await group.leases()).map((lease) => [lease.unit, lease]));
  const partitions: PartitionView[] = [];
  for (const ref of await topics.list(cluster)) {
    const unit = partitionName(ref);
    const lease = leases.get(unit);
    const stats = await topics.stats(ref, members.length > 0);
    const state = await store.describe(unit);
    const owner = lease !== undefined && lease.expiresInMs > 0 ? lease.agent : null;
    partitions.push({
      unit,
      sink: ref.sink,
      partition: ref.partition,
      owner,
      boot: owner === null ? null : (lease?.boot ?? null),
      epoch: lease?.epoch ?? 0,
      expiresInMs: lease?.expiresInMs ?? 0,
      entries: stats.entries,
      bytes: stats.bytes,
      boundBytes: stats.boundBytes,
      oldestAt: stats.oldestAtMs,
      stateVersion: state.version,
      outboxItems: state.outboxItems,
      outboxBytes: state.outboxBytes,
      trouble: troubleOf(unit, owner, members),
    });
  }
  return { version: 1, members, partitions, deadLetters };
}
