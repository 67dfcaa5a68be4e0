import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ControlRecord } from '../../src/coordination/control-log.ts';
import { KafkaClient } from '../../src/topics/kafka/client.ts';
import type { KafkaTopics, KafkaTopicsEvent } from '../../src/topics/kafka/kafka-topics.ts';
import type { Appender, Attachment, PartitionRef } from '../../src/topics/topic.ts';
import { kafkaTopics } from '../contract/kafka-ports.ts';
import { kafkaWorld } from '../contract/kafka-world.ts';
import { describeTopics } from '../contract/topics.contract.ts';
import { until } from '../contract/world.ts';
import { createTopic, deleteTopicsOf, produce, throughProxy } from '../services/kafka.ts';
import { type OwnKafka, startOwnKafka } from '../services/own-kafka.ts';

let kafka: OwnKafka;
beforeAll(async () => {
  kafka = await startOwnKafka();
}, 120_000);
afterAll(() => kafka.dispose());

describeTopics('kafka', () => kafkaWorld(kafka));

const never = new AbortController().signal;
const ref: PartitionRef = { cluster: 'more', sink: 'sink', generation: 1, partition: 0 };
const genesisOf = () => Buffer.from('genesis');

describe('the topics on Kafka', () => {
  let topics: KafkaTopics;
  let appender: Appender;
  let events: KafkaTopicsEvent[];

  const open = () => kafkaTopics({ broker: kafka.broker }, { report: (event) => events.push(event) });
  const append = (...texts: readonly string[]) =>
    appender.append(
      texts.map((text) => ({ partition: ref, bytes: Buffer.from(text) })),
      never,
    );

  beforeEach(async () => {
    events = [];
    topics = open();
    await topics.create([ref], genesisOf, 1_000_000);
    appender = await topics.openAppender();
  });
  afterEach(async () => {
    await topics.close();
    await deleteTopicsOf('cg.');
  });

  it('gives the first entry that is left when the anchor is trimmed, so that the gap is seen', async () => {
    await append('a', 'b', 'c');
    const first = await topics.attach(ref, null, 10);
    const entries = await take(first, 4);
    await first.settle(entries[2]?.offset ?? 0);
    await until(async () => ((await topics.stats(ref)).entries === 1 ? true : undefined));

    const again = await topics.attach(ref, entries[1]?.offset ?? 0, 10);

    expect((await take(again, 2)).map(textOf)).toEqual(['b', 'c']);
  });

  it('gives nothing behind its end, where a consumer of Kafka would begin anew', async () => {
    await append('a');

    const beyond = await topics.attach(ref, 1_000, 10);

    expect(await beyond.read(10, 300, never)).toEqual([]);
  });

  it('says that the log is another one when the topic was made anew under a reader, and gives nothing of it', async () => {
    await append('a', 'b');
    const attachment = await topics.attach(ref, null, 10);
    await take(attachment, 3);

    await deleteTopicsOf('cg.');
    await createTopic('cg.more.sink.g1');

    const failed = await attachment.read(10, 20_000, never).catch((error: unknown) => error);
    expect(failed).toMatchObject({ class: 'retryable', code: expect.stringMatching(/^(log_out_of_range|no_topic)$/) });
  }, 30_000);

  it('knows how far partitions reach as of now: of one that another has added, and while it is asked for other topics', async () => {
    const client = new KafkaClient(async () => ({
      brokers: [kafka.broker],
      clientId: 'test',
      tls: null,
      sasl: null,
      requestTimeoutMs: 5_000,
    }));
    const other = { ...ref, sink: 'other' };
    await topics.create([other], genesisOf, 1_000_000);
    const before = await client.extents('cg.more.sink.g1');

    await topics.create([ref, { ...ref, partition: 1 }], genesisOf, 1_000_000);
    const after = await client.extents('cg.more.sink.g1');
    const many = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        i % 3 === 0 ? client.leaders('cg.more.other.g1') : client.extents(`cg.more.${i % 3 === 1 ? 'sink' : 'other'}.g1`),
      ),
    );
    await client.close();

    expect([before.size, after.size]).toEqual([1, 2]);
    expect(new Set(many.map(({ size }) => size))).toEqual(new Set([1, 2]));
    expect(many.every((found, i) => found.size === (i % 3 === 1 ? 2 : 1))).toBe(true);
  });

  it('refuses what nobody of the cluster has signed, and what was moved from another partition', async () => {
    await append('ours');
    await produce('cg.more.sink.g1', ['forged']);

    const received = await take(await topics.attach(ref, null, 10), 3);

    expect(received.map(({ refused }) => refused)).toEqual([undefined, undefined, 'it carries no signature']);
    expect(events).toContainEqual({ kind: 'refused', partition: 'cg.more.sink.g1.p0', why: 'it carries no signature' });
  });

  it('goes on reading and appending by itself when the broker was killed, and loses nothing', async () => {
    const attachment = await topics.attach(ref, null, 100);
    await take(attachment, 1);
    await append('before');

    await kafka.kill();
    const waiting = append('meanwhile');
    await until(() =>
      events.some(({ kind }) => kind === 'disconnected') && events.some(({ kind }) => kind === 'resent') ? true : undefined,
    );
    await kafka.launch();
    await waiting;
    await append('after');

    const texts: string[] = [];
    while (!texts.includes('after')) texts.push(...(await take(attachment, 1)).map(textOf));
    expect([...new Set(texts)]).toEqual(['before', 'meanwhile', 'after']);
    expect(events.map(({ kind }) => kind)).toContain('connected');
  }, 60_000);

  it('goes on reading at once when a connection ends in the midst of an answer', async () => {
    await append(...Array.from({ length: 20 }, (_, i) => `${i} ${'x'.repeat(40_000)}`));
    const { proxy, broker } = await throughProxy();
    const behind = kafkaTopics({ broker }, { report: (event) => events.push(event) });
    const attachment = await behind.attach(ref, null, 100);
    await take(attachment, 21);

    const second = await behind.attach(ref, null, 100);
    proxy.endAfter(200_000);
    const received = await take(second, 21);

    expect(events.map(({ kind }) => kind)).toContain('disconnected');
    expect(received.slice(1).map((each) => textOf(each).split(' ')[0])).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
    await behind.close();
    await proxy.close();
  }, 15_000);

  it('cannot be emptied of an entry that is too large for a topic: it is poison, and what follows goes', async () => {
    await expect(appender.append([{ partition: ref, bytes: Buffer.alloc(33 * 1024 * 1024) }], never)).rejects.toMatchObject({
      class: 'poison',
      code: 'entry_too_large',
    });

    await append('next');

    expect((await take(await topics.attach(ref, null, 10), 2)).map(textOf)).toEqual(['genesis', 'next']);
  });

  describe('and the record beside them', () => {
    const raised = (current: ControlRecord | null): ControlRecord => ({
      clusterId: 'c1',
      incarnation: (current?.incarnation ?? 0) + 1,
      epochFloor: 0,
      layouts: {},
    });

    it('is nothing before it was written, and then what was written last, to everybody', async () => {
      const control = topics.controlLog('more');
      const before = await control.read();
      await control.update(raised);
      await control.update(raised);

      const other = open();
      expect(before).toBeNull();
      expect(await other.controlLog('more').read()).toMatchObject({ incarnation: 2 });
      await other.close();
    });

    it('loses no change of many writers at once', async () => {
      const others = Array.from({ length: 4 }, open);
      const results = await Promise.all(
        others.flatMap((each) => [each.controlLog('more').update(raised), each.controlLog('more').update(raised)]),
      );

      const last = await topics.controlLog('more').read();
      expect(new Set(results.map(({ incarnation }) => incarnation)).size).toBe(8);
      expect(last?.incarnation).toBeGreaterThanOrEqual(8);
      await Promise.all(others.map((each) => each.close()));
    }, 60_000);

    it('is not believed when nobody of the cluster has signed it', async () => {
      const control = topics.controlLog('more');
      await control.update(raised);
      await produce('cg.more.control', ['{"version":2,"nonce":"x","value":{}}']);

      await expect(control.read()).rejects.toMatchObject({ class: 'fatal', code: 'bad_signature' });
    });
  });
});

async function take(attachment: Attachment, count: number) {
  const received: Awaited<ReturnType<Attachment['read']>>[number][] = [];
  while (received.length < count) received.push(...(await attachment.read(count - received.length, 10_000, never)));
  return received;
}

function textOf({ bytes }: { readonly bytes: Uint8Array }): string {
  return Buffer.from(bytes).toString();
}
