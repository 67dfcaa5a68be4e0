import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { makeBatch } from '../../src/pipeline/batch.ts';
import { kafka } from '../../src/publishers/kafka/index.ts';
import { KafkaSchema } from '../../src/publishers/kafka/schema.ts';
import { codec, publisherContract, sample } from '../contract/publisher.contract.ts';
import { createTopic, deleteTopic, messagesOf, throughProxy } from '../services/kafka.ts';
import { kafkaBrokers } from '../services/with-services.ts';

const context = { name: 'target', sink: 'sink', kind: 'samples', clock: systemClock, random: Math.random, baseDir: '/' } as const;
const never = new AbortController().signal;

publisherContract(
  'kafka',
  async () => {
    const { proxy, broker } = await throughProxy();
    const topic = `out-${randomUUID()}`;
    await createTopic(topic);
    const open = (where: string) => kafka.open(KafkaSchema.parse({ brokers: [where], topic, timeout_ms: 2_000 }), context);
    return {
      open: () => open(broker),
      arrived: async () =>
        (await messagesOf(topic)).map(({ headers, value }) => ({
          id: headers['id'] ?? '',
          volume: /"volume":([^,]+),/.exec(value)?.[1] ?? '',
        })),
      // The suite's batches are two of two items and one of one.
      batchIds: async () =>
        (await messagesOf(topic)).map(({ headers }) => headers['batch'] ?? '').filter((_, at) => at % 2 === 0),
      leavesOutRepetitions: false,
      fail: async () => {
        proxy.refuse(true);
        proxy.cut();
      },
      heal: async () => proxy.refuse(false),
      openNowhere: () => open('127.0.0.1:1'),
      close: async () => {
        await proxy.close();
        await deleteTopic(topic);
      },
    };
  },
  { refuses: false, fails: true, hasIds: true },
);

describe('the publisher kafka', () => {
  it('keeps what has one key in one partition, in order, whichever process sends it', async () => {
    const topic = `out-${randomUUID()}`;
    await createTopic(topic, 8);
    const partitionKey = (item: object) => String((item as { volume: unknown }).volume);
    const parameters = KafkaSchema.parse({ brokers: await kafkaBrokers(), topic });
    for (const round of [0, 1]) {
      const publisher = await kafka.open(parameters, { ...context, partitionKey });
      const items = Array.from({ length: 20 }, (_, at) => sample(`${round}-${at}`, at % 5));
      await publisher.publish(makeBatch(items, codec, false), never);
      await publisher.close();
    }

    const arrived = await messagesOf(topic);

    expect(arrived).toHaveLength(40);
    for (const key of ['0', '1', '2', '3', '4']) {
      const messages = arrived.filter((message) => message.key === key);
      expect(new Set(messages.map(({ partition }) => partition)).size).toBe(1);
      const expected = [0, 1].flatMap((round) => [0, 5, 10, 15].map((at) => `${round}-${at + Number(key)}`));
      expect(messages.map(({ headers }) => headers['id'])).toEqual(expected);
    }
    await deleteTopic(topic);
  });

  it('sends each message with the trace that it belongs to', async () => {
    const topic = `out-${randomUUID()}`;
    await createTopic(topic);
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const publisher = await kafka.open(KafkaSchema.parse({ brokers: await kafkaBrokers(), topic }), context);

    await publisher.publish(makeBatch([sample('a'), sample('b')], codec, false, undefined, [undefined, traceparent]), never);
    await publisher.close();

    expect((await messagesOf(topic)).map(({ headers }) => [headers['id'], headers['traceparent']])).toEqual([
      ['a', undefined],
      ['b', traceparent],
    ]);
    await deleteTopic(topic);
  });

  it('says that its topic does not exist, and does not create it', async () => {
    const publisher = await kafka.open(
      KafkaSchema.parse({ brokers: await kafkaBrokers(), topic: `missing-${randomUUID()}`, timeout_ms: 2_000 }),
      context,
    );

    await expect(publisher.probe(never)).rejects.toMatchObject({ class: 'retryable', code: 'kafka_no_topic' });
    await expect(publisher.publish(makeBatch([sample('a')], codec, false), never)).rejects.toMatchObject({ class: 'retryable' });
    await publisher.close();
  });
});
