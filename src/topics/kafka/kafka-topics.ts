import type { ControlLog } from '../../coordination/control-log.ts';
import type { Clock } from '../../lib/clock.ts';
import type { FetchedMessage, KafkaSettings } from '../../lib/kafka-client.ts';
import type { KeyRing } from '../../lib/key-ring.ts';
import type { Backoff } from '../../lib/retry-loop.ts';
import { Fault } from '../../model/faults.ts';
import {
  type Appender,
  type Attachment,
  type PartitionRef,
  type PartitionStats,
  partitionName,
  type TopicCapabilities,
  type Topics,
} from '../topic.ts';
import { type Extent, KafkaClient } from './client.ts';
import { ControlTopic } from './control-topic.ts';
import { Fills } from './fills.ts';
import { KafkaAppender } from './kafka-appender.ts';
import { KafkaAttachment } from './kafka-attachment.ts';
import { Reader } from './reader.ts';
import { createPartitions, exists, listPartitions, lookAgainMs, retirePartition, topicOf } from './topic-life.ts';
import { Trimmer } from './trimmer.ts';

export type KafkaTopicsEvent =
  /** Partitions cannot be read; tried again in `retryInMs`. */
  | { readonly kind: 'disconnected'; readonly error: Fault; readonly retryInMs: number }
  | { readonly kind: 'connected' }
  /** So many entries are owed and are sent again. */
  | { readonly kind: 'resent'; readonly error: Fault; readonly owed: number }
  | { readonly kind: 'untrimmed'; readonly topic: string; readonly error: Fault }
  | { readonly kind: 'refused'; readonly partition: string; readonly why: string };

export interface KafkaTopicsOptions {
  /** Asked for whenever a client is made. */
  readonly settings: () => Promise<KafkaSettings>;
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly random: () => number;
  /** Copies of each partition; null: three, or as many as there are brokers. */
  readonly replication: number | null;
  /** For partitions that were created by another process. */
  readonly boundBytes: number;
  readonly onBounded?: (partition: PartitionRef, since: number | null) => void;
  readonly report?: (event: KafkaTopicsEvent) => void;
  readonly timing?: Partial<KafkaTiming>;
}

export interface KafkaTiming {
  /** Between two trims. */
  readonly trimMs: number;
  /** So long an entry that is surely there may keep a reader waiting. */
  readonly giveUpMs: number;
  readonly reconnect: Backoff;
}

const defaultTiming: KafkaTiming = { trimMs: 1_000, giveUpMs: 20_000, reconnect: { baseMs: 100, capMs: 5_000 } };

/** All partitions of a layout as one topic of Kafka, read by the holders of the leases without a consumer group. */
export class KafkaTopics implements Topics {
  readonly capabilities: TopicCapabilities = { kind: 'log', rewind: false, singleActiveConsumer: false };
  readonly #options: KafkaTopicsOptions;
  readonly #timing: KafkaTiming;
  readonly #client: KafkaClient;
  readonly #reader: Reader;
  readonly #fills: Fills;
  readonly #trimmer: Trimmer;
  readonly #appenders = new Set<KafkaAppender>();
  readonly #attachments = new Set<KafkaAttachment>();

  constructor(options: KafkaTopicsOptions) {
    const { settings, clock, random, report = () => undefined, boundBytes } = options;
    this.#options = options;
    this.#timing = { ...defaultTiming, ...options.timing };
    this.#client = new KafkaClient(settings);
    this.#fills = new Fills(this.#client, boundBytes);
    this.#trimmer = new Trimmer(this.#client, clock, this.#timing.trimMs, (topic, error) =>
      report({ kind: 'untrimmed', topic, error }),
    );
    this.#reader = new Reader({
      client: this.#client,
      clock,
      random,
      backoff: this.#timing.reconnect,
      onCut: (error, retryInMs) => report({ kind: 'disconnected', error, retryInMs }),
      onMended: () => report({ kind: 'connected' }),
    });
  }

  async create(refs: readonly PartitionRef[], genesis: (ref: PartitionRef) => Uint8Array, boundBytes: number): Promise<void> {
    const { keys, clock, replication } = this.#options;
    for (const topic of new Set(refs.map(topicOf))) {
      const ours = refs.filter((ref) => topicOf(ref) === topic);
      await createPartitions({ client: this.#client, keys, clock, replication }, ours, genesis);
    }
    for (const ref of refs) this.#fills.setBound(ref, boundBytes);
  }

  list(cluster: string): Promise<readonly PartitionRef[]> {
    return listPartitions(this.#client, cluster);
  }

  /** The facts of the cluster that outlive its coordination, kept in the same Kafka. */
  controlLog(cluster: string): ControlLog {
    const { keys, clock, replication } = this.#options;
    return new ControlTopic(cluster, { client: this.#client, reader: this.#reader, keys, clock, replication });
  }

  async openAppender(): Promise<Appender> {
    const { keys, clock, onBounded = () => undefined, report } = this.#options;
    const appender = new KafkaAppender({
      producer: (onMessage) => this.#client.producer(onMessage),
      fills: this.#fills,
      keys,
      clock,
      onBounded,
      onFailed: (error, owed) => report?.({ kind: 'resent', error, owed }),
      onClosed: () => this.#appenders.delete(appender),
    });
    this.#appenders.add(appender);
    return appender;
  }

  /** An offset that is no longer there is answered with the first that is: the caller sees that it is not its anchor. */
  async attach(ref: PartitionRef, from: number | null, prefetch: number): Promise<Attachment> {
    const { keys, clock, report } = this.#options;
    const extent = await this.#extentOf(ref);
    // Behind its end there is nothing to ask for: the log is shorter than it was, and `read` says so by staying empty.
    const shorter = from !== null && from >= extent.high;
    const start = Math.max(from ?? extent.low, extent.low);
    const attachment = new KafkaAttachment(ref, start, extent.high, prefetch, {
      reader: this.#reader,
      keys,
      clock,
      giveUpMs: this.#timing.giveUpMs,
      settle: (settled, offset) => this.#trimmer.settle(settled, offset),
      onSize: (_, bytes) => this.#fills.sawEntry(topicOf(ref), ref.partition, bytes),
      onRefused: (partition, why) => report?.({ kind: 'refused', partition, why }),
      onClosed: () => this.#attachments.delete(attachment),
    });
    this.#attachments.add(attachment);
    if (!shorter) this.#reader.add(attachment);
    return attachment;
  }

  /** `bytes` is entries times the mean size of those seen here. */
  async stats(ref: PartitionRef): Promise<PartitionStats> {
    const extent = await this.#extentOf(ref);
    const entries = extent.high - extent.low - 1;
    const oldest = entries === 0 ? null : await this.#at(ref, extent.low + 1);
    return {
      entries,
      bytes: this.#fills.bytesOf(ref, entries),
      boundBytes: this.#fills.boundOf(ref),
      oldestAtMs: oldest === null ? null : Number(oldest.timestamp),
    };
  }

  /** A broker may not know for a moment what another client, or we, have only just added: what is missing is looked for twice. */
  async #extentOf(ref: PartitionRef): Promise<Extent> {
    const look = async () => (await this.#client.extents(topicOf(ref))).get(ref.partition);
    const seen = await look();
    if (exists(seen)) return seen;
    await this.#options.clock.sleep(lookAgainMs);
    const extent = await look();
    if (exists(extent)) return extent;
    throw new Fault('retryable', 'no_topic', `there is no partition ${partitionName(ref)}`);
  }

  /** Null: trimmed meanwhile. */
  async #at(ref: PartitionRef, offset: number): Promise<FetchedMessage | null> {
    try {
      return (await this.#reader.range(topicOf(ref), ref.partition, offset, offset + 1))[0] ?? null;
    } catch (error) {
      if (error instanceof Fault && error.code === 'log_out_of_range') return null;
      throw error;
    }
  }

  async retire(ref: PartitionRef): Promise<void> {
    await retirePartition(this.#client, ref);
    this.#fills.forget();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#appenders, ...this.#attachments].map((one) => one.close()));
    await this.#trimmer.close();
    await this.#reader.close();
    await this.#client.close();
  }
}
