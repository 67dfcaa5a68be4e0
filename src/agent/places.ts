import type { AgentConfig } from '../config/agent-config.ts';
import type { Group, Layout } from '../coordination/group.ts';
import type { Clock } from '../lib/clock.ts';
import type { AcceptedMails } from '../model/mail.ts';
import type { PartitionStore, PeekedPartitions, WholePartitions } from '../state/partition-store.ts';
import type { Emit } from '../telemetry/events.ts';
import { partitionName, type Topics } from '../topics/topic.ts';
import { openCluster } from './open-cluster.ts';
import { openEmbedded } from './open-embedded.ts';

/** Where topics, coordination and state of this agent are. The rest of the agent does not know which adapters these are. */
export interface Places {
  readonly topics: Topics;
  readonly group: Group;
  readonly store: PartitionStore & WholePartitions & PeekedPartitions;
  /** Null: all agents there can be share one data directory. */
  readonly acceptedMails: AcceptedMails | null;
  /** The layouts the bus remembers, for a start while the coordination is away; empty where there is nothing beside it. */
  rememberedLayouts(): Promise<Readonly<Record<string, Layout>>>;
  /** What an operator should know of the servers behind it, in words; empty when there is none. */
  describe(): Promise<Readonly<Record<string, string>>>;
  close(): Promise<void>;
}

export interface PlacesOptions {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
}

/** Throws a fatal Fault when what the configuration names cannot be used; servers that are away are waited for by whoever asks them. */
export async function openPlaces(options: PlacesOptions): Promise<Places> {
  const { config, clock, emit } = options;
  if (config.coordination.kind === 'redis') return openCluster(options, config.coordination);
  const embedded = await openEmbedded({
    dataDir: config.dataDir,
    clock,
    onBounded: (partition, since) =>
      emit(since === null ? 'topic:room' : 'topic:bounded', { partition: partitionName(partition) }),
  });
  return { ...embedded, acceptedMails: null, describe: async () => ({}) };
}
