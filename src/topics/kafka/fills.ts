import { Fault } from '../../model/faults.ts';
import { Sizes } from '../sizes.ts';
import { type PartitionRef, partitionName } from '../topic.ts';
import type { Extent, KafkaClient } from './client.ts';
import { exists, parseTopic, topicOf } from './topic-life.ts';

/**
 * How full partitions are, by what Kafka said last. It has no bound that refuses (its own deletes what is unread), so ours is kept by
 * whoever appends: entries that are not trimmed, times their mean size as it was seen here. It may be passed by what several listeners
 * send at once.
 */
export class Fills {
  readonly #client: KafkaClient;
  readonly #usualBound: number;
  readonly #sizes = new Sizes();
  readonly #bounds = new Map<string, number>();
  readonly #extents = new Map<string, Extent>();

  constructor(client: KafkaClient, usualBound: number) {
    this.#client = client;
    this.#usualBound = usualBound;
  }

  setBound(ref: PartitionRef, bytes: number): void {
    this.#bounds.set(partitionName(ref), bytes);
  }

  boundOf(ref: PartitionRef): number {
    return this.#bounds.get(partitionName(ref)) ?? this.#usualBound;
  }

  bytesOf(ref: PartitionRef, entries: number): number {
    return this.#sizes.of(partitionName(ref), entries);
  }

  sawEntry(topic: string, partition: number, bytes: number): void {
    const found = parseTopic(topic);
    if (found !== null) this.#sizes.saw(partitionName({ ...found, partition }), bytes);
  }

  saw(topic: string, partition: number, low: number | null, high: number): void {
    const key = `${topic}/${partition}`;
    const known = this.#extents.get(key);
    this.#extents.set(key, { low: Math.max(low ?? 0, known?.low ?? 0), high });
  }

  /** By what is known. */
  hasRoom(ref: PartitionRef): boolean {
    const extent = this.#extents.get(`${topicOf(ref)}/${ref.partition}`);
    return extent !== undefined && !this.#isFull(ref, extent);
  }

  /** By what is known, or Kafka says: asked when nothing is known, when it would be full, or `afresh`. Throws `no_topic`. */
  async isFull(ref: PartitionRef, afresh = false): Promise<boolean> {
    if (!afresh && this.hasRoom(ref)) return false;
    const topic = topicOf(ref);
    for (const [partition, extent] of await this.#client.extents(topic)) this.#extents.set(`${topic}/${partition}`, extent);
    const extent = this.#extents.get(`${topic}/${ref.partition}`);
    if (!exists(extent)) {
      this.forget();
      throw new Fault('retryable', 'no_topic', `there is no partition ${partitionName(ref)}`);
    }
    return this.#isFull(ref, extent);
  }

  forget(): void {
    this.#extents.clear();
  }

  #isFull(ref: PartitionRef, { low, high }: Extent): boolean {
    return this.bytesOf(ref, high - low - 1) >= this.boundOf(ref);
  }
}
