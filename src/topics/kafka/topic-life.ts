import type { Admin } from 'kafkajs';
import type { Clock } from '../../lib/clock.ts';
import type { KeyRing } from '../../lib/key-ring.ts';
import { Fault } from '../../model/faults.ts';
import { type PartitionRef, partitionName } from '../topic.ts';
import type { Extent, KafkaClient } from './client.ts';
import { kafkaFault } from './kafka-fault.ts';
import { genesisHeader, sealed } from './seal.ts';

/** All partitions of one layout are one topic of Kafka; a partition of it exists once it holds its genesis entry. */
export function topicOf({ cluster, sink, generation }: PartitionRef): string {
  return `cg.${cluster}.${sink}.g${generation}`;
}

/** The reverse; null for any other name. */
export function parseTopic(name: string): Omit<PartitionRef, 'partition'> | null {
  const [, cluster, sink, generation] = /^cg\.([^.]+)\.([^.]+)\.g(\d+)$/.exec(name) ?? [];
  if (cluster === undefined || sink === undefined) return null;
  return { cluster, sink, generation: Number(generation) };
}

/** An anchor or the genesis entry always stays; a partition without any entry was never made, or is retired. */
export function exists(extent: Extent | undefined): extent is Extent {
  return extent !== undefined && extent.high > extent.low;
}

/** So large may be what goes to one partition at once. */
export const largestBatchBytes = 32 * 1024 * 1024;
const segmentBytes = 64 * 1024 * 1024;
const untilMadeMs = 10_000;
export const lookAgainMs = 100;

export interface Making {
  readonly client: KafkaClient;
  readonly keys: KeyRing;
  readonly clock: Clock;
  /** Copies of each partition; null: three, or as many as there are brokers. */
  readonly replication: number | null;
}

/**
 * Nothing is deleted but what we trim. With three copies two must have an entry before it is confirmed; with one the broker must have it on
 * disk, where Kafka would else be content with its memory.
 */
async function makeTopic(admin: Admin, topic: string, numPartitions: number, replication: number | null): Promise<boolean> {
  const copies = replication ?? Math.min(3, (await admin.describeCluster()).brokers.length);
  const settings = {
    'cleanup.policy': 'delete',
    'retention.ms': '-1',
    'retention.bytes': '-1',
    'segment.bytes': String(segmentBytes),
    'max.message.bytes': String(largestBatchBytes),
    'min.insync.replicas': copies >= 3 ? '2' : '1',
    'unclean.leader.election.enable': 'false',
    ...(copies === 1 ? { 'flush.messages': '1' } : {}),
  };
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  return admin.createTopics({
    topics: [{ topic, numPartitions, replicationFactor: copies, configEntries }],
    waitForLeaders: true,
  });
}

/** A topic of one partition is there and has a leader when this resolves, whoever made it. */
export async function ensureTopic({ client, clock, replication }: Omit<Making, 'keys'>, topic: string): Promise<void> {
  const until = clock.monotonic() + untilMadeMs;
  for (;;) {
    try {
      if ((await client.extents(topic).catch(nullIfMissing)) !== null) return;
      await client.ask(`creating ${topic}`, (admin) => makeTopic(admin, topic, 1, replication));
    } catch (error) {
      unlessLate(error, clock.monotonic() >= until);
    }
    await clock.sleep(lookAgainMs);
  }
}

/** Refs of one topic. Whoever makes the topic writes the genesis entries; everybody else waits for them, and writes them for one that died. */
export async function createPartitions(
  making: Making,
  refs: readonly PartitionRef[],
  genesis: (ref: PartitionRef) => Uint8Array,
): Promise<void> {
  const { client, clock, replication } = making;
  const [first] = refs;
  if (first === undefined) return;
  const topic = topicOf(first);
  const count = Math.max(...refs.map(({ partition }) => partition)) + 1;
  const found = await client.extents(topic).catch(nullIfMissing);
  const made =
    found === null
      ? await client.ask(`creating ${topic}`, (admin) => makeTopic(admin, topic, count, replication))
      : found.size < count && (await grow(client, topic, count));
  const until = clock.monotonic() + untilMadeMs;
  for (;;) {
    // New partitions have no leader for a moment.
    const extents = await client.extents(topic).catch((error: unknown) => unlessLate(error, clock.monotonic() >= until));
    if (extents !== null) {
      const missing = refs.filter(({ partition }) => !exists(extents.get(partition)));
      if (missing.length === 0) return;
      if (made || clock.monotonic() >= until) return writeGenesis(making, topic, missing, genesis);
    }
    await clock.sleep(lookAgainMs);
  }
}

function unlessLate(error: unknown, late: boolean): null {
  if (!late && error instanceof Fault && error.class === 'retryable') return null;
  throw error;
}

async function grow(client: KafkaClient, topic: string, count: number): Promise<boolean> {
  await client.ask(`adding partitions to ${topic}`, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count }] }));
  return true;
}

async function writeGenesis(
  { client, keys }: Making,
  topic: string,
  refs: readonly PartitionRef[],
  genesis: (ref: PartitionRef) => Uint8Array,
): Promise<void> {
  const messages = refs.map((ref) => {
    const bytes = Buffer.from(genesis(ref));
    return { partition: ref.partition, value: bytes, headers: { ...sealed(keys, partitionName(ref), bytes), ...genesisHeader } };
  });
  try {
    const producer = await client.producer();
    try {
      await producer.send({ topic, acks: -1, messages });
    } finally {
      await producer.disconnect();
    }
  } catch (thrown) {
    throw kafkaFault(thrown, `beginning ${topic}`);
  }
}

export async function listPartitions(client: KafkaClient, cluster: string): Promise<readonly PartitionRef[]> {
  const names = await client.ask('listing topics', (admin) => admin.listTopics());
  const refs: PartitionRef[] = [];
  for (const name of names) {
    const found = parseTopic(name);
    if (found === null || found.cluster !== cluster) continue;
    const extents = await client.extents(name).catch(nullIfMissing); // deleted meanwhile
    for (const [partition, extent] of extents ?? []) if (exists(extent)) refs.push({ ...found, partition });
  }
  return refs.sort((a, b) => a.sink.localeCompare(b.sink) || a.generation - b.generation || a.partition - b.partition);
}

/** Kafka deletes no single partition: it is emptied, and the last one takes the topic with it. */
export async function retirePartition(client: KafkaClient, ref: PartitionRef): Promise<void> {
  const topic = topicOf(ref);
  const extents = await client.extents(topic).catch(nullIfMissing);
  const extent = extents?.get(ref.partition);
  if (!exists(extent)) return;
  const entries = extent.high - extent.low - 1;
  if (entries > 0) throw new Fault('retryable', 'topic_not_empty', `${partitionName(ref)} still holds ${entries} entries`);
  await client.trim(topic, new Map([[ref.partition, null]]));
  const left = await client.extents(topic);
  if ([...left.values()].some(exists)) return;
  await client.ask(`deleting ${topic}`, (admin) => admin.deleteTopics({ topics: [topic] }));
}

export function nullIfMissing(error: unknown): null {
  if (error instanceof Fault && error.code === 'no_topic') return null;
  throw error;
}
