import type { SinkConfig } from '../../config/sink-config.ts';
import type { AgentIdentity, LeaseToken } from '../../coordination/group.ts';
import { relocate } from '../../core/partition/relocate.ts';
import type { StoredPartition } from '../../core/partition/stored-partition.ts';
import { compileSourceFilter } from '../../core/route/source-filter.ts';
import { Fault } from '../../model/faults.ts';
import { stableId } from '../../model/stable-hash.ts';
import { type PartitionRef, partitionName, partitionRefs } from '../../topics/topic.ts';
import { genesisOf } from '../sink-runtime.ts';
import type { ApplyOptions } from './apply-layouts.ts';
import { HeldLeases, lost } from './held-leases.ts';
import { planLayouts, type SinkPlan } from './layout-plan.ts';
import { requireMovable } from './movable.ts';

export interface Moved {
  readonly from: { readonly generation: number; readonly partitions: number };
  readonly to: { readonly generation: number; readonly partitions: number };
  readonly keys: number;
  /** Keys that went to several partitions, because they do not say which one they belong to. */
  readonly copied: number;
  /** Keys of steps that the sink's file has no more. */
  readonly forgotten: number;
}

/**
 * From one generation to the next, each step done again when it was broken off before:
 *
 *     take all leases → read the old states → sort them anew → write the new ones → make the new topics → look once more that nobody
 *     lives and nothing waits → remove the old topics → advance the layout by compare-and-set
 *
 * The old topics go before the layout does: a listener that knows only those is refused from then on and keeps its raw messages, so
 * nothing can be appended where nobody will read. The old states stay until the new layout stands, so the way back is open until then.
 */
export async function moveSink(
  options: ApplyOptions,
  sink: SinkConfig,
  { stored }: SinkPlan,
  identity: AgentIdentity,
): Promise<Moved> {
  const { places, config, clock, step } = options;
  const { topics, store, group } = places;
  if (stored === null) throw new Error(`nothing is stored of sink ${sink.sink}`);
  const generation = stored.generation + 1;
  const old = partitionRefs(config.cluster, sink.sink, stored.generation, stored.partitions);
  const fresh = partitionRefs(config.cluster, sink.sink, generation, sink.partitions);
  const units = [...old, ...fresh].map(partitionName);
  const held = await HeldLeases.take(group, identity, units, config.timing.leaseTtlMs, clock);
  const tokenOf = (ref: PartitionRef) => held.of(partitionName(ref));
  try {
    await step?.('held');
    const partitions: StoredPartition[] = [];
    for (const ref of old) partitions.push(await read(store, tokenOf(ref)));
    const moved = relocate(partitions, relocation(sink, stored.generation, stored.partitions));
    await step?.('read');
    for (const [index, ref] of fresh.entries()) {
      await write(store, tokenOf(ref), moved.partitions[index] as StoredPartition);
      await step?.('written');
    }
    held.check();
    // The same whenever it is done again, so that an earlier attempt's topics are this one's.
    const uuid = stableId(['layout', config.cluster, sink.sink, stored.uuid, String(generation), String(sink.partitions)]);
    await topics.create(fresh, genesisOf(uuid), config.topicBoundBytes);
    await step?.('created');
    requireMovable(await planLayouts(places, [sink], config));
    for (const ref of old) {
      held.check();
      await topics.retire(ref);
      await step?.('retired');
    }
    held.check();
    const layout = { generation, partitions: sink.partitions, partitionBy: stored.partitionBy, uuid };
    if (!(await group.advanceLayout(sink.sink, stored.generation, layout)))
      throw new Fault('retryable', 'layout_moved', `The layout of sink ${sink.sink} was changed by somebody else meanwhile.`);
    await step?.('advanced');
    const keys = partitions.reduce((sum, { states }) => sum + states.length, 0);
    return {
      from: { generation: stored.generation, partitions: stored.partitions },
      to: { generation, partitions: sink.partitions },
      keys,
      copied: moved.copied,
      forgotten: moved.forgotten,
    };
  } finally {
    await held.release();
  }
}

/** Also for who replays what was recorded before and after a move. */
export function relocation(sink: SinkConfig, generation: number, partitions: number) {
  const filters = sink.sources.map(({ match }) => compileSourceFilter(match));
  return {
    steps: sink.steps,
    order: sink.order.kind === 'event' ? { latenessMs: sink.order.latenessMs, partitionBy: sink.partitionBy } : undefined,
    from: { generation, partitions, partitionBy: sink.partitionBy },
    partitions: sink.partitions,
    takes: (name: string) => filters.some((takes) => takes(name)),
  };
}

type Store = ApplyOptions['places']['store'];

async function read(store: Store, token: LeaseToken): Promise<StoredPartition> {
  const states = new Map<string, string>();
  const loaded = await store.load(token, (chunk) => {
    for (const [key, value] of chunk) {
      if (value === null) states.delete(key);
      else states.set(key, value);
    }
  });
  if (loaded.kind === 'fenced') throw lost(token.unit);
  const { cursor, ids, outbox } = loaded.value;
  if (outbox.length > 0)
    throw new Fault('retryable', 'topics_not_drained', `The outbox of ${token.unit} was filled again meanwhile. Begin again.`);
  return { cursor, ids, states: [...states] };
}

/** What an earlier attempt wrote is of an earlier time: it goes. */
async function write(store: Store, token: LeaseToken, { cursor, ids, states }: StoredPartition): Promise<void> {
  if ((await store.drop(token)).kind === 'fenced') throw lost(token.unit);
  const whole = { version: 1, lastCommitId: 'topics-apply', cursor, states, ids, outbox: [] };
  if ((await store.reseed(token, whole)).kind !== 'ok') throw lost(token.unit);
}
