import type { Member } from '../coordination/group.ts';
import type { DeadLetterStats } from '../pipeline/dead-letters.ts';
import { partitionName } from '../topics/topic.ts';
import type { Places } from './places.ts';

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
  readonly epoch: number;
  readonly expiresInMs: number;
  /** Entries that wait to be applied. */
  readonly entries: number;
  readonly bytes: number;
  readonly boundBytes: number;
  readonly stateVersion: number;
  readonly outboxItems: number;
}

export async function readClusterView(
  places: Pick<Places, 'topics' | 'group' | 'store'>,
  cluster: string,
  deadLetters: DeadLetterStats,
): Promise<ClusterView> {
  const { group, topics, store } = places;
  const leases = new Map((await group.leases()).map((lease) => [lease.unit, lease]));
  const partitions: PartitionView[] = [];
  for (const ref of await topics.list(cluster)) {
    const unit = partitionName(ref);
    const lease = leases.get(unit);
    const stats = await topics.stats(ref);
    const state = await store.describe(unit);
    partitions.push({
      unit,
      sink: ref.sink,
      partition: ref.partition,
      owner: lease !== undefined && lease.expiresInMs > 0 ? lease.agent : null,
      epoch: lease?.epoch ?? 0,
      expiresInMs: lease?.expiresInMs ?? 0,
      entries: stats.entries,
      bytes: stats.bytes,
      boundBytes: stats.boundBytes,
      stateVersion: state.version,
      outboxItems: state.outboxItems,
    });
  }
  return { version: 1, members: await group.members(), partitions, deadLetters };
}
