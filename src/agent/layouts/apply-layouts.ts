import { randomBytes } from 'node:crypto';
import type { AgentConfig } from '../../config/agent-config.ts';
import type { SinkConfig } from '../../config/sink-config.ts';
import type { AgentIdentity } from '../../coordination/group.ts';
import type { Clock } from '../../lib/clock.ts';
import { parsePartitionName, partitionName, partitionRefs } from '../../topics/topic.ts';
import { genesisOf } from '../sink-runtime.ts';
import { HeldLeases, lost } from './held-leases.ts';
import { type LayoutPlaces, planLayouts, type SinkPlan } from './layout-plan.ts';
import { requireMovable } from './movable.ts';
import { type Moved, moveSink } from './move-sink.ts';

export interface ApplyOptions {
  readonly places: LayoutPlaces;
  readonly sinks: readonly SinkConfig[];
  readonly config: Pick<AgentConfig, 'cluster' | 'coordination' | 'topicBoundBytes' | 'timing'>;
  readonly clock: Clock;
  /** For tests: awaited between the steps; who throws here is as dead. */
  readonly step?: (at: string) => Promise<void>;
}

export interface Applied {
  readonly sink: string;
  readonly action: SinkPlan['action'];
  /** Of a sink that was moved. */
  readonly moved: Moved | null;
  /** What was left of other generations and is gone. */
  readonly removed: readonly string[];
}

/**
 * Makes the stored layouts what the sinks' files say. May be broken off anywhere and is then run again: until the layout is advanced the old
 * generation is whole, afterwards the new one is. Throws a Fault that says what to do when a sink cannot be moved now.
 */
export async function applyLayouts(options: ApplyOptions): Promise<readonly Applied[]> {
  const { places, sinks, config } = options;
  const plan = await planLayouts(places, sinks, config);
  requireMovable(plan);
  const identity = { agent: 'topics-apply', boot: randomBytes(16).toString('hex') };
  const applied: Applied[] = [];
  for (const planned of plan.sinks) {
    const sink = sinks.find((other) => other.sink === planned.sink);
    if (sink === undefined || (planned.action !== 'move' && planned.action !== 'mend')) continue;
    const moved = planned.action === 'move' ? await moveSink(options, sink, planned, identity) : null;
    const removed = await mend(options, sink, identity);
    applied.push({ sink: sink.sink, action: planned.action, moved, removed });
  }
  return applied;
}

/** The topics of the stored layout are there, and nothing of any other is. */
async function mend(options: ApplyOptions, sink: SinkConfig, identity: AgentIdentity): Promise<readonly string[]> {
  const { places, config } = options;
  const now = (await planLayouts(places, [sink], config)).sinks[0];
  if (now?.stored == null) return [];
  const { generation, partitions, uuid } = now.stored;
  const missing = new Set(now.missing);
  const refs = partitionRefs(config.cluster, sink.sink, generation, partitions).filter((ref) => missing.has(partitionName(ref)));
  if (refs.length > 0) await places.topics.create(refs, genesisOf(uuid), config.topicBoundBytes);
  await removeLeft(options, now.left, identity);
  return now.left;
}

/** Topics first: they refuse to go while they hold anything, and then the state stays as well. */
async function removeLeft(
  { places: { topics, store, group }, config, clock, step }: ApplyOptions,
  names: readonly string[],
  identity: AgentIdentity,
): Promise<void> {
  if (names.length === 0) return;
  const held = await HeldLeases.take(group, identity, names, config.timing.leaseTtlMs, clock);
  try {
    for (const name of names) {
      const ref = parsePartitionName(name);
      if (ref !== null) await topics.retire(ref);
      if ((await store.drop(held.of(name))).kind === 'fenced') throw lost(name);
      await step?.('removed');
    }
  } finally {
    await held.release();
  }
}
