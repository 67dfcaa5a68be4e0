import type { Admin, Kafka, Producer } from 'kafkajs';
import { type KafkaCluster, type KafkaSettings, kafkaCluster, openKafka } from '../../lib/kafka-client.ts';
import { kafkaFault } from './kafka-fault.ts';

/** `low` is the first offset that Kafka still has, `high` the one that the next entry gets. */
export interface Extent {
  readonly low: number;
  readonly high: number;
}

/**
 * Who we are in Kafka: one connection for questions and changes, made when first needed and made anew after a failure. Secrets are read
 * whenever one is made.
 */
export class KafkaClient {
  readonly #settings: () => Promise<KafkaSettings>;
  #admin: Promise<Admin> | null = null;
  #closed = false;

  constructor(settings: () => Promise<KafkaSettings>) {
    this.#settings = settings;
  }

  /**
   * A client that failed is not asked again: among what it knows may be a topic that is gone, and then it fails in everything. What failed
   * on a client that stood before is asked once more of a fresh one. Throws a Fault.
   */
  async ask<T>(doing: string, act: (admin: Admin) => Promise<T>): Promise<T> {
    const stood = this.#admin;
    try {
      return await this.#with(act);
    } catch (thrown) {
      if (stood === null || this.#closed) throw kafkaFault(thrown, doing);
    }
    try {
      return await this.#with(act);
    } catch (thrown) {
      throw kafkaFault(thrown, doing);
    }
  }

  /** By partition. Throws `no_topic`. */
  async extents(topic: string): Promise<ReadonlyMap<number, Extent>> {
    const offsets = await this.ask(`asking for the offsets of ${topic}`, (admin) => admin.fetchTopicOffsets(topic));
    return new Map(offsets.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }]));
  }

  /** The broker that leads each partition. Throws `no_topic`. */
  async leaders(topic: string): Promise<ReadonlyMap<number, number>> {
    const { topics } = await this.ask(`asking who leads ${topic}`, (admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    return new Map(topics.flatMap((each) => each.partitions.map(({ partitionId, leader }) => [partitionId, leader] as const)));
  }

  /** Entries below the offset are gone; `null`: all of them. */
  async trim(topic: string, offsets: ReadonlyMap<number, number | null>): Promise<void> {
    const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset ?? -1) }));
    await this.ask(`trimming ${topic}`, async (admin) => {
      // kafkajs trims only what it has heard of.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions });
    });
  }

  /** Connected. `partition` of each message decides; `onMessage` is called for each of them right before it is sent, and may throw. */
  async producer(onMessage: (message: object) => void = () => undefined): Promise<Producer> {
    const kafka = await this.#kafka();
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ message }) => {
          onMessage(message);
          return message.partition ?? 0;
        },
    });
    await producer.connect();
    return producer;
  }

  async cluster(): Promise<KafkaCluster> {
    const cluster = kafkaCluster(await this.#kafka());
    await cluster.connect();
    await cluster.refreshMetadata(); // which brokers there are
    return cluster;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#drop();
  }

  async #with<T>(act: (admin: Admin) => Promise<T>): Promise<T> {
    this.#admin ??= this.#connect();
    const mine = this.#admin;
    try {
      return await act(await mine);
    } catch (thrown) {
      if (this.#admin === mine) await this.#drop();
      throw thrown;
    }
  }

  async #connect(): Promise<Admin> {
    const admin = (await this.#kafka()).admin();
    await admin.connect();
    return admin;
  }

  async #drop(): Promise<void> {
    const admin = this.#admin;
    this.#admin = null;
    const [opened] = await Promise.allSettled([admin]);
    // It failed already, or nobody needs it any longer.
    if (opened.status === 'fulfilled') await opened.value?.disconnect().catch(() => undefined);
  }

  async #kafka(): Promise<Kafka> {
    return openKafka(await this.#settings());
  }
}
