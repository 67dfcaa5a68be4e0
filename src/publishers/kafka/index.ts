import type { Kafka, Producer } from 'kafkajs';
import { kafkaVerdict, openKafka } from '../../lib/kafka-client.ts';
import { orAborted } from '../../lib/or-aborted.ts';
import { Fault } from '../../model/faults.ts';
import { itemId } from '../../model/item.ts';
import { kafkaAccess } from '../../model/kafka-connection.ts';
import { readConfigured } from '../configured-file.ts';
import type { Batch, Publisher, PublisherContext, PublisherKind } from '../publisher.ts';
import { type KafkaParameters, summary } from './schema.ts';

/**
 * One message per item: its JSON line, keyed by the values of `partition_by`, so that what was one partition here is in order there, with
 * its `id`, that of its batch and its `traceparent` in the headers. Accepted means that all in-sync replicas have it. The producer is idempotent, which spares
 * the topic the repeats of one connection; after a failure another producer is made, and what comes again carries the same ids.
 */
export const kafka: PublisherKind<KafkaParameters> = {
  name: 'kafka',
  summary,
  open: async (parameters, context) => new KafkaPublisher(parameters, context),
};

class KafkaPublisher implements Publisher {
  readonly #parameters: KafkaParameters;
  readonly #context: PublisherContext;
  #opening: Promise<Producer> | undefined;

  constructor(parameters: KafkaParameters, context: PublisherContext) {
    this.#parameters = parameters;
    this.#context = context;
  }

  async publish(batch: Batch, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { topic, timeout_ms: timeout } = this.#parameters;
    const lines = batch.lines().split('\n');
    const messages = batch.items.map((item, index) => {
      const id = itemId(item);
      const trace = batch.traces?.[index];
      return {
        key: this.#context.partitionKey?.(item) ?? id,
        value: lines[index] ?? '',
        headers: trace === undefined ? { id, batch: batch.id } : { id, batch: batch.id, traceparent: trace },
      };
    });
    const { hand } = this.#context;
    if (hand !== undefined) {
      for (const { key, value, headers } of messages) await hand({ to: { topic, key, headers }, body: value });
      return;
    }
    try {
      this.#opening ??= this.#connect();
      const producer = await orAborted(this.#opening, signal);
      await orAborted(producer.send({ topic, acks: -1, timeout, messages }), signal);
    } catch (thrown) {
      // What it has sent is unknown now, and with the next send its sequence numbers would mean other messages.
      await this.close();
      throw signal.aborted ? signal.reason : toFault(thrown, `publishing to ${topic}`);
    }
  }

  async probe(signal: AbortSignal): Promise<void> {
    const { topic } = this.#parameters;
    const asking = this.#ask(topic);
    try {
      await orAborted(asking, signal);
    } catch (thrown) {
      throw signal.aborted ? signal.reason : toFault(thrown, `asking for ${topic}`);
    }
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    const [opened] = await Promise.allSettled([opening]);
    // What was refused or cut off has nothing left to say goodbye to.
    if (opened.status === 'fulfilled') await opened.value?.disconnect().catch(() => undefined);
  }

  async #connect(): Promise<Producer> {
    const producer = (await this.#client()).producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
    await producer.connect();
    return producer;
  }

  async #ask(topic: string): Promise<void> {
    const admin = (await this.#client()).admin();
    try {
      await admin.connect();
      await admin.fetchTopicMetadata({ topics: [topic] });
    } finally {
      await admin.disconnect();
    }
  }

  async #client(): Promise<Kafka> {
    const read = (path: string) => readConfigured(path, this.#context.baseDir);
    const access = await kafkaAccess(this.#parameters, read, async (path) => (await read(path)).trim());
    const { sink, name } = this.#context;
    return openKafka({ ...access, clientId: `ceilograph-${sink}-${name}`, requestTimeoutMs: this.#parameters.timeout_ms });
  }
}

/** A refused batch may be taken once somebody has mended the broker or the ACL; only what is too large never will. */
function toFault(thrown: unknown, doing: string): Fault {
  if (thrown instanceof Fault) return thrown;
  const verdict = kafkaVerdict(thrown, doing);
  const faultClass = verdict.class === 'fatal' && verdict.code !== 'kafkajs_missing' ? 'retryable' : verdict.class;
  return new Fault(faultClass, verdict.code, verdict.text, { cause: thrown });
}
