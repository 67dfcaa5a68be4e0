import { join } from 'node:path';
import { EmbeddedGroup } from '../coordination/embedded/embedded-group.ts';
import { Leases } from '../coordination/embedded/leases.ts';
import type { Group, Layout } from '../coordination/group.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { LmdbEnvironment } from '../lib/lmdb-environment.ts';
import { NotLocalDisk } from '../lib/local-disk.ts';
import { type MachineTime, machineTime } from '../lib/machine-time.ts';
import { Fault } from '../model/faults.ts';
import { EmbeddedStore } from '../state/embedded/embedded-store.ts';
import type { PartitionStore, PeekedPartitions, WholePartitions } from '../state/partition-store.ts';
import { EmbeddedTopics } from '../topics/embedded/embedded-topics.ts';
import type { PartitionRef, Topics } from '../topics/topic.ts';

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly clock?: Clock;
  readonly time?: MachineTime;
  /** An append waits because this partition is at its bound since then (epoch ms); null when it no longer does. */
  readonly onBounded?: (partition: PartitionRef, since: number | null) => void;
  readonly faults?: EmbeddedFaults;
}

/** What tests break on purpose. */
export interface EmbeddedFaults {
  /** Offsets of entries skip numbers. */
  readonly holes?: boolean;
  /** Awaited before each transaction; what it throws fails the transaction. */
  readonly beforeTransaction?: (where: 'topics' | 'state') => Promise<void> | void;
}

export interface Embedded {
  readonly topics: Topics;
  readonly group: Group;
  readonly store: PartitionStore & WholePartitions & PeekedPartitions;
  rememberedLayouts(): Promise<Readonly<Record<string, Layout>>>;
  close(): Promise<void>;
}

/**
 * Topics, coordination and state of the agents of one machine, without any server; any number of processes may open the same
 * directory. Group and store share one file, because the store's guard reads the lease in the transaction it guards. Topics have
 * their own, so that appends never wait for commits. Throws `not_local_disk` (fatal) on NFS and the like.
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const clock = options.clock ?? systemClock;
  const time = options.time ?? machineTime();
  const { faults = {} } = options;
  const openFile = async (where: 'topics' | 'state'): Promise<LmdbEnvironment> => {
    const { beforeTransaction } = faults;
    const hook = beforeTransaction === undefined ? {} : { beforeTransaction: () => beforeTransaction(where) };
    return LmdbEnvironment.open({ directory: join(options.dataDir, where), clock, ...hook });
  };
  const { topicsFile, stateFile } = await openBoth(openFile);
  const leases = new Leases(stateFile.textTable('leases'), time);
  const topics = new EmbeddedTopics(topicsFile, {
    clock,
    holes: faults.holes ?? false,
    ...(options.onBounded === undefined ? {} : { onBounded: options.onBounded }),
  });
  return {
    topics,
    group: new EmbeddedGroup(stateFile, leases, clock, time),
    store: new EmbeddedStore(stateFile, leases),
    rememberedLayouts: async () => ({}),
    close: async () => {
      await topics.close();
      await Promise.all([topicsFile.close(), stateFile.close()]);
    },
  };
}

async function openBoth(openFile: (where: 'topics' | 'state') => Promise<LmdbEnvironment>) {
  try {
    const topicsFile = await openFile('topics');
    return { topicsFile, stateFile: await openFile('state') };
  } catch (error) {
    if (error instanceof NotLocalDisk) throw new Fault('fatal', 'not_local_disk', error.message, { cause: error });
    throw error;
  }
}
