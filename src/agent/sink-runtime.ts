import type { AgentConfig } from '../config/agent-config.ts';
import type { SinkConfig } from '../config/sink-config.ts';
import type { Layout } from '../coordination/group.ts';
import { printEntry } from '../model/entry.ts';
import { classify, Fault } from '../model/faults.ts';
import { sinkChain } from '../pipeline/sink-chain.ts';
import type { PartitionStore } from '../state/partition-store.ts';
import { type PartitionRef, partitionName, partitionRefs } from '../topics/topic.ts';
import type { Places } from './places.ts';

/**
 * How a sink runs here: *direct* (no topic, queue or log exists for it) when nothing in it keeps state and coordination is off, else
 * through its internal topic.
 */
export function runsDirect(config: SinkConfig, agent: Pick<AgentConfig, 'coordination'>): boolean {
  const stateless =
    config.steps.every((step) => step.transformer.scope === 'none') && config.order.kind === 'arrival' && config.record === null;
  if (config.direct === true && !stateless) {
    throw new Fault(
      'fatal',
      'direct_with_state',
      `${config.origin}: sink ${config.sink} keeps state and cannot run direct; remove \`direct: true\`.`,
    );
  }
  return stateless && (config.direct === true || (config.direct === 'auto' && agent.coordination.kind === 'off'));
}

type LayoutPlaces = Pick<Places, 'topics' | 'group' | 'store' | 'rememberedLayouts'>;

/** Does it need ticks? */
export function needsTime(config: SinkConfig, cluster: string): boolean {
  return sinkChain(cluster, config).needsTime;
}

/**
 * Agrees on the layout of every sink with everybody else (first writer wins) and makes the partitions of those where we were the first.
 * A file that says another count or key than what is stored refuses to start: a changed modulo would tear keys from their state, and
 * what is half computed in one partition would come out of another once more, under the same id.
 */
export async function agreeOnLayouts(
  places: LayoutPlaces,
  sinks: readonly SinkConfig[],
  agent: AgentConfig,
  uuid: string,
): Promise<ReadonlyMap<SinkConfig, readonly PartitionRef[]>> {
  const agreed = new Map<SinkConfig, readonly PartitionRef[]>();
  const toMake: PartitionRef[] = [];
  const uuids = new Map<string, string>();
  for (const config of sinks) {
    const wanted: Layout = { generation: 1, partitions: config.partitions, partitionBy: config.partitionBy, uuid };
    const { layout, remembered } = await propose(places, config.sink, wanted);
    if (differs(config, layout)) refuse(config, layout, await runningWithIt(places));
    const refs = partitionRefs(agent.cluster, config.sink, layout.generation, layout.partitions);
    agreed.set(config, refs);
    uuids.set(config.sink, layout.uuid);
    // A winner that died before it made the partitions left no state behind: then, and only then, another may make them.
    if (!remembered && (layout.uuid === uuid || (await untouched(places.store, refs)))) toMake.push(...refs);
  }
  const genesis = (ref: PartitionRef) => genesisOf(uuids.get(ref.sink) ?? uuid)(ref);
  // All at once: a broker wants a pause after new queues.
  if (toMake.length > 0) await places.topics.create(toMake, genesis, agent.topicBoundBytes);
  return agreed;
}

/** The first entry of each partition of a layout. */
export function genesisOf(uuid: string): (ref: PartitionRef) => Uint8Array {
  return (ref) => new TextEncoder().encode(printEntry({ kind: 'genesis', ...ref, uuid }));
}

function differs(config: SinkConfig, layout: Layout): boolean {
  return layout.partitions !== config.partitions || layout.partitionBy.join(', ') !== config.partitionBy.join(', ');
}

/** `running`: who works with the stored layout now. */
function refuse(config: SinkConfig, layout: Layout, running: string): never {
  const [stored, written] = [layout.partitionBy.join(', '), config.partitionBy.join(', ')];
  const message =
    stored !== written
      ? `is partitioned by [${stored}]${running}, this file says [${written}]. Set partition_by: [${stored}], or give the sink another name to ` +
        'start it afresh.'
      : `has ${layout.partitions} partitions (generation ${layout.generation})${running}, this file says ${config.partitions}. ` +
        `Set partitions: ${layout.partitions}; or stop all agents and move the sink with \`ceilograph topics apply\`.`;
  throw new Fault('fatal', 'layout_differs', `${config.origin}: sink ${config.sink} ${message}`);
}

/** Whoever lives has agreed to the stored layout; nobody else is running. Empty when nobody is, or nobody can say. */
async function runningWithIt({ group }: LayoutPlaces): Promise<string> {
  const members = await group.members().catch(() => []);
  if (members.length === 0) return ' since its first start';
  return `, with which ${members.map(({ agent, host }) => `${agent} on ${host}`).join(', ')} ${members.length === 1 ? 'is' : 'are'} running`;
}

/** While the coordination is away the bus tells the layout, so that a listener starts; partitions wait for the coordination anyway. */
async function propose(places: LayoutPlaces, sink: string, wanted: Layout) {
  try {
    return { layout: await places.group.proposeLayout(sink, wanted), remembered: false };
  } catch (error) {
    if (classify(error).class !== 'retryable') throw error;
    const layout = (await places.rememberedLayouts())[sink];
    if (layout === undefined) throw error;
    return { layout, remembered: true };
  }
}

async function untouched(store: PartitionStore, refs: readonly PartitionRef[]): Promise<boolean> {
  for (const ref of refs) if ((await store.describe(partitionName(ref))).version > 0) return false;
  return true;
}
