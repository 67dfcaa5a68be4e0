import type { Clock } from '../../lib/clock.ts';
import { endsWithin } from '../../lib/or-late.ts';
import type { Fault } from '../../model/faults.ts';
import type { PartitionRef } from '../topic.ts';
import type { KafkaClient } from './client.ts';
import { kafkaFault } from './kafka-fault.ts';
import { topicOf } from './topic-life.ts';

const lastTrimMs = 3_000;

/**
 * Deletes what lies before the anchors, by and by: that is what counts as settled, for the bound and for retiring a partition. The position
 * is not kept here but in the commit, so a trim that fails costs room alone, and is tried again.
 */
export class Trimmer {
  readonly #client: KafkaClient;
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #onFailed: (topic: string, error: Fault) => void;
  readonly #closing = new AbortController();
  #asked = new Map<string, Map<number, number>>();
  #running: Promise<void> | null = null;

  constructor(client: KafkaClient, clock: Clock, everyMs: number, onFailed: (topic: string, error: Fault) => void) {
    this.#client = client;
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#onFailed = onFailed;
  }

  /** The anchor itself stays. */
  settle(ref: PartitionRef, anchor: number): void {
    this.#note(topicOf(ref), ref.partition, anchor);
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** What was asked for is trimmed first, at one try of 3 s: a Kafka that is away must not keep an agent from leaving. */
  async close(): Promise<void> {
    this.#closing.abort();
    const last = async () => {
      await this.#running;
      await this.#trim();
    };
    await endsWithin(this.#clock, lastTrimMs, last());
  }

  #note(topic: string, partition: number, anchor: number): void {
    const offsets = this.#asked.get(topic) ?? new Map<number, number>();
    offsets.set(partition, Math.max(anchor, offsets.get(partition) ?? 0));
    this.#asked.set(topic, offsets);
  }

  async #run(): Promise<void> {
    while (this.#asked.size > 0 && !this.#closing.signal.aborted) {
      await this.#trim();
      await this.#clock.sleep(this.#everyMs, this.#closing.signal).catch(() => undefined); // closing: the last trim follows
    }
  }

  async #trim(): Promise<void> {
    const asked = this.#asked;
    this.#asked = new Map();
    for (const [topic, offsets] of asked) {
      try {
        await this.#client.trim(topic, offsets);
      } catch (thrown) {
        const fault = kafkaFault(thrown, `trimming ${topic}`);
        this.#onFailed(topic, fault);
        // Who reads a topic that is gone, or anew, is told so by reading.
        if (fault.class !== 'retryable' || fault.code === 'no_topic' || fault.code === 'log_out_of_range') continue;
        for (const [partition, anchor] of offsets) this.#note(topic, partition, anchor);
      }
    }
  }
}
