import type { Admin, Kafka, Producer } from 'kafkajs';
import { type KafkaBroker, type KafkaCluster, type KafkaSettings, kafkaCluster, openKafka } from '../../lib/kafka-client.ts';
import { kafkaFault } from './kafka-fault.ts';

/** `low` is the first offset that Kafka still has, `high` the one that the next entry gets. */
export interface Extent {
  readonly low: number;
  readonly high: number;
}

/**
 * Who we are in Kafka: connections for questions and changes, made when first needed and made anew after a failure. Secrets are read
 * whenever one is made.
 */
export class KafkaClient {
  readonly #settings: () => Promise<KafkaSettings>;
  readonly #admin = new Standing<Admin>(async () => {
    const admin = (await this.#kafka()).admin();
    await admin.connect();
    return admin;
  });
  readonly #cluster = new Standing<KafkaCluster>(() => this.cluster());

  constructor(settings: () => Promise<KafkaSettings>) {
    this.#settings = settings;
  }

  /** Throws a Fault. */
  ask<T>(doing: string, act: (admin: Admin) => Promise<T>): Promise<T> {
    return this.#admin.ask(doing, act);
  }

  /**
   * By partition, as they are now. Throws `no_topic`. Not by kafkajs' own question for offsets: it takes the partitions from what the client heard last,
   * for whichever topic that was, and was seen to find none.
   */
  extents(topic: string): Promise<ReadonlyMap<number, Extent>> {
    return this.#cluster.ask(`asking for the offsets of ${topic}`, async (cluster) => {
      const leaders = [...leadersOf(await cluster.metadata({ topics: [topic] }))];
      const found = await Promise.all(
        [...new Set(leaders.map(([, leader]) => leader))].map(async (leader) => {
          const partitions = leaders.filter(([, each]) => each === leader).map(([partition]) => partition);
          const broker = await cluster.findBroker({ nodeId: String(leader) });
          const low = await offsetsOf(broker, topic, partitions, '-2');
          const high = await offsetsOf(broker, topic, partitions, '-1');
          return partitions.map((partition) => [partition, { low: low(partition), high: high(partition) }] as const);
        }),
      );
      return new Map(found.flat());
    });
  }

  /** The broker that leads each partition. Throws `no_topic`. */
  leaders(topic: string): Promise<ReadonlyMap<number, number>> {
    return this.#cluster.ask(`asking who leads ${topic}`, async (cluster) =>
      leadersOf(await cluster.metadata({ topics: [topic] })),
    );
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
    await Promise.all([this.#admin.close(), this.#cluster.close()]);
  }

  async #kafka(): Promise<Kafka> {
    return openKafka(await this.#settings());
  }
}

/** A connection that is made when first needed. */
class Standing<T extends { disconnect(): Promise<void> }> {
  readonly #connect: () => Promise<T>;
  #current: Promise<T> | null = null;
  #closed = false;

  constructor(connect: () => Promise<T>) {
    this.#connect = connect;
  }

  /**
   * One that failed is not asked again: among what it knows may be a topic that is gone, and then it fails in everything. What failed
   * on one that stood before is asked once more of a fresh one. Throws a Fault.
   */
  async ask<R>(doing: string, act: (connection: T) => Promise<R>): Promise<R> {
    const stood = this.#current;
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

  async close(): Promise<void> {
    this.#closed = true;
    await this.#drop();
  }

  async #with<R>(act: (connection: T) => Promise<R>): Promise<R> {
    this.#current ??= this.#connect();
    const mine = this.#current;
    try {
      return await act(await mine);
    } catch (thrown) {
      if (this.#current === mine) await this.#drop();
      throw thrown;
    }
  }

  async #drop(): Promise<void> {
    const current = this.#current;
    this.#current = null;
    const [opened] = await Promise.allSettled([current]);
    // It failed already, or nobody needs it any longer.
    if (opened.status === 'fulfilled') await opened.value?.disconnect().catch(() => undefined);
  }
}

type Metadata = Awaited<ReturnType<KafkaCluster['metadata']>>;

function leadersOf({ topicMetadata }: Metadata): ReadonlyMap<number, number> {
  return new Map(topicMetadata.flatMap((each) => each.partitionMetadata.map(({ partitionId, leader }) => [partitionId, leader])));
}

async function offsetsOf(broker: KafkaBroker, topic: string, partitions: readonly number[], timestamp: '-1' | '-2') {
  const asked = partitions.map((partition) => ({ partition, timestamp }));
  const { responses } = await broker.listOffsets({ replicaId: -1, isolationLevel: 0, topics: [{ topic, partitions: asked }] });
  const offsets = new Map(
    responses.flatMap((each) => each.partitions.map(({ partition, offset }) => [partition, Number(offset)])),
  );
  return (partition: number) => offsets.get(partition) ?? 0;
}
