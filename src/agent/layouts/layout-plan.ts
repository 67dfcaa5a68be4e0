import type { AgentConfig } from '../../config/agent-config.ts';
import type { SinkConfig } from '../../config/sink-config.ts';
import type { Layout, Member } from '../../coordination/group.ts';
import { type PartitionRef, parsePartitionName, partitionName, partitionRefs } from '../../topics/topic.ts';
import type { Places } from '../places.ts';
import { runsDirect } from '../sink-runtime.ts';

export type LayoutPlaces = Pick<Places, 'topics' | 'group' | 'store'>;

/** What the sinks' files say, what is stored, and what `topics apply` would do about it. The shape `topics plan --json` prints, version 1. */
export interface LayoutsPlan {
  readonly version: 1;
  /** Living agents: nothing is moved while there is one. */
  readonly agents: readonly Pick<Member, 'agent' | 'host' | 'pid'>[];
  readonly sinks: readonly SinkPlan[];
}

/**
 * | action       | |
 * |--------------|-|
 * | `none`       | file and store agree |
 * | `first start`| nothing is stored; the first agent makes it |
 * | `move`       | another number of partitions: a new generation |
 * | `mend`       | they agree, but topics are missing or something of another generation is left |
 * | `refuse`     | `partition_by` differs: state cannot be moved by it |
 */
export interface SinkPlan {
  readonly sink: string;
  readonly action: 'none' | 'first start' | 'move' | 'mend' | 'refuse';
  readonly stored: Layout | null;
  readonly configured: { readonly partitions: number; readonly partitionBy: readonly string[] };
  /** Entries that wait in the topics of the stored generation, and outputs that wait for their targets. */
  readonly waiting: number;
  readonly outbox: number;
  /** Topics of the stored generation that are not there. */
  readonly missing: readonly string[];
  /** Topics and states of other generations. */
  readonly left: readonly string[];
}

export async function planLayouts(
  places: LayoutPlaces,
  sinks: readonly SinkConfig[],
  agent: Pick<AgentConfig, 'cluster' | 'coordination'>,
): Promise<LayoutsPlan> {
  const members = await places.group.members();
  const layouts = await places.group.layouts();
  const topics = await places.topics.list(agent.cluster);
  const units = (await places.group.leases()).flatMap(({ unit }) => parsePartitionName(unit) ?? []);
  const planned: SinkPlan[] = [];
  for (const sink of sinks) {
    if (runsDirect(sink, agent)) continue;
    const of = ({ sink: other }: PartitionRef) => other === sink.sink;
    planned.push(await planSink(places, sink, agent.cluster, layouts[sink.sink] ?? null, topics.filter(of), units.filter(of)));
  }
  return { version: 1, agents: members.map(({ agent: name, host, pid }) => ({ agent: name, host, pid })), sinks: planned };
}

async function planSink(
  { topics, store }: LayoutPlaces,
  sink: SinkConfig,
  cluster: string,
  stored: Layout | null,
  there: readonly PartitionRef[],
  units: readonly PartitionRef[],
): Promise<SinkPlan> {
  const refs = stored === null ? [] : partitionRefs(cluster, sink.sink, stored.generation, stored.partitions);
  const names = new Set(refs.map(partitionName));
  const existing = new Set(there.map(partitionName));
  const missing = [...names].filter((name) => !existing.has(name));
  const left = new Set([...existing].filter((name) => !names.has(name)));
  for (const unit of units.map(partitionName)) if (!names.has(unit) && (await store.describe(unit)).version > 0) left.add(unit);
  let waiting = 0;
  let outbox = 0;
  for (const ref of refs) {
    if (existing.has(partitionName(ref))) waiting += (await topics.stats(ref)).entries;
    outbox += (await store.describe(partitionName(ref))).outboxItems;
  }
  const { partitions, partitionBy } = sink;
  const action = actionFor(sink, stored, missing.length + left.size > 0);
  const configured = { partitions, partitionBy };
  return { sink: sink.sink, action, stored, configured, waiting, outbox, missing, left: [...left].sort() };
}

function actionFor({ partitions, partitionBy }: SinkConfig, stored: Layout | null, amiss: boolean): SinkPlan['action'] {
  if (stored === null) return 'first start';
  if (stored.partitionBy.join('\n') !== partitionBy.join('\n')) return 'refuse';
  if (stored.partitions !== partitions) return 'move';
  return amiss ? 'mend' : 'none';
}
