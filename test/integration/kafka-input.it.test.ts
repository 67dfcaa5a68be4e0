import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { kafka } from '../../src/inputs/kafka/index.ts';
import { KafkaInputSchema } from '../../src/inputs/kafka/schema.ts';
import { describeInput, Listener } from '../contract/input.contract.ts';
import { until } from '../contract/world.ts';
import { committedOffset, createTopic, deleteTopic, messagesOf, produce, throughProxy } from '../services/kafka.ts';
import { kafkaBrokers, kafkaSecure } from '../services/with-services.ts';

async function parametersFor(topic: string, more: object = {}) {
  const brokers = await kafkaBrokers();
  return KafkaInputSchema.parse({ brokers, topics: [topic], group: `group-${topic}`, session_timeout_ms: 6_000, ...more });
}

async function newTopic(partitions = 1): Promise<string> {
  const topic = `raw-${randomUUID()}.info`;
  await createTopic(topic, partitions);
  return topic;
}

interface Wrong {
  readonly password?: string;
  readonly tls?: object;
  readonly server?: string;
}

describeInput('kafka', { ends: false, givenBack: 'comes again', canary: false }, async () => {
  const topic = await newTopic();
  return {
    open: async (context, prefetch) => kafka.open(await parametersFor(topic, { prefetch }), context),
    feed: (bodies) => produce(topic, bodies),
    kept: async () => {
      const first = await committedOffset(`group-${topic}`, topic);
      return (await messagesOf(topic)).slice(first).map(({ value }) => value);
    },
    close: () => deleteTopic(topic),
  };
});

describe('the kafka input', () => {
  it('takes the priority from the name of the topic, and says where each came from', async () => {
    const topic = await newTopic();
    await produce(topic, ['{"n":1}']);
    const listener = new Listener();
    const input = await kafka.open(await parametersFor(topic), listener.context);
    const running = input.run();
    await listener.until(() => listener.deliveries.length === 1);

    expect(listener.deliveries[0]).toMatchObject({ priority: 'info', origin: `kafka://${topic}/0:0` });
    listener.hard();
    await running;
    await deleteTopic(topic);
  });

  it('shares the partitions with another member, loses nothing, and says that settlements may be lost', async () => {
    const topic = await newTopic(4);
    const [one, two] = [new Listener(), new Listener()];
    const parameters = await parametersFor(topic);
    const first = await kafka.open(parameters, one.context);
    const running = [first.run()];
    await one.connected();
    await produce(topic, ['unsettled']);
    await one.until(() => one.deliveries.length === 1);

    const second = await kafka.open(parameters, two.context);
    running.push(second.run());
    await two.connected();
    await one.until(
      () =>
        one.deliveries[0]?.custody?.lost.aborted === true || one.events.filter((each) => each.kind === 'connected').length > 1,
    );
    one.deliveries[0]?.settle();
    const proof = await first.prove().catch((error: unknown) => error);
    await until(() => (one.deliveries.length + two.deliveries.length === 2 ? true : undefined));

    expect(proof).toMatchObject({ class: 'retryable', code: 'settlements_lost' });
    expect(one.deliveries[0]?.custody?.holds()).toBe(false);
    one.hard();
    two.hard();
    await Promise.all(running);
    await deleteTopic(topic);
  }, 30_000);

  it('goes on by itself where it was when its connections are cut', async () => {
    const topic = await newTopic();
    const { proxy, broker } = await throughProxy();
    const listener = new Listener();
    listener.onDelivery = (delivery) => delivery.settle();
    const input = await kafka.open(await parametersFor(topic, { brokers: [broker] }), listener.context);
    const running = input.run();
    await listener.connected();
    await produce(topic, ['a']);
    await listener.until(() => listener.bodies.includes('a'));
    await input.prove();

    proxy.refuse(true);
    proxy.cut();
    await produce(topic, ['b']);
    await listener.until(() => listener.events.some(({ kind }) => kind === 'disconnected'));
    proxy.refuse(false);
    await listener.until(() => listener.bodies.includes('b'));

    expect(listener.bodies).toEqual(['a', 'b']);
    listener.soft();
    await running;
    expect(await committedOffset(`group-${topic}`, topic)).toBe(2);
    await deleteTopic(topic);
    await proxy.close();
  }, 30_000);

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'])('says who it is by %s, over TLS', async (mechanism) => {
    const topic = await newTopic();
    const { broker, tls } = await kafkaSecure();
    const listener = new Listener();
    const sasl = { mechanism, username: 'alice', password: 'alice-knows' };
    const input = await kafka.open(await parametersFor(topic, { brokers: [broker], tls, sasl }), listener.context);
    const running = input.run();
    await produce(topic, ['a']);

    await listener.until(() => listener.bodies.includes('a'));

    listener.hard();
    await running;
    await deleteTopic(topic);
  });

  it.each([
    ['is not who it says', 'kafka_refused', 'check `sasl`', { password: 'secret-word' }],
    ['does not trust the broker', 'kafka_certificate', 'check `tls`', { tls: {} }],
    ['finds another name in the certificate', 'kafka_certificate', 'check `tls`', { server: 'elsewhere.example' }],
  ] satisfies [
    string,
    string,
    string,
    Wrong,
  ][])('ends with a fatal fault that names the setting when it %s', async (_, code, remedy, wrong: Wrong) => {
    const { broker, tls } = await kafkaSecure();
    const listener = new Listener();
    const parameters = await parametersFor('nowhere', {
      brokers: [broker],
      sasl: { username: 'alice', password: wrong.password ?? 'alice-knows' },
      tls: wrong.tls ?? { ...tls, ...(wrong.server === undefined ? {} : { server_name: wrong.server }) },
    });
    const input = await kafka.open(parameters, listener.context);

    const ended = await input.run().catch((error: unknown) => error);

    expect(ended).toMatchObject({ class: 'fatal', code, message: expect.stringContaining(remedy) });
    expect(String(ended)).not.toContain('secret-word');
  });
});
