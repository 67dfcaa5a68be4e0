import { randomUUID } from 'node:crypto';
import { connect } from 'amqplib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AmqpTopics, AmqpTopicsEvent } from '../../src/topics/amqp/amqp-topics.ts';
import { type PartitionRef, partitionName } from '../../src/topics/topic.ts';
import { type AmqpConfig, amqpTopics, testKeys } from '../contract/amqp-ports.ts';
import { until } from '../contract/world.ts';
import { type OwnRabbitmq, startOwnRabbitmq } from '../services/own-rabbitmq.ts';
import { createVhost, deleteVhost } from '../services/rabbitmq.ts';
import { startProxy, type TcpProxy } from '../services/tcp-proxy.ts';
import { drain, entry, genesisOf, never, refOf, takeTexts, Writer } from './amqp-topics-rig.ts';

const bound = 1_000_000;
const refs = [0, 1, 2].map((partition) => refOf(partition));
const ref = refOf(0);

describe('topics in RabbitMQ when something breaks', () => {
  let broker: OwnRabbitmq;
  let vhost: string;
  let direct: AmqpConfig;
  let proxy: TcpProxy;
  let topics: AmqpTopics;
  let events: AmqpTopicsEvent[];
  let bounded: (readonly [PartitionRef, boolean])[];

  beforeAll(async () => {
    broker = await startOwnRabbitmq();
  }, 120_000);
  afterAll(() => broker.dispose());
  beforeEach(async () => {
    vhost = `f-${randomUUID()}`;
    direct = { url: await createVhost(vhost) };
    const url = new URL(direct.url);
    proxy = await startProxy({ host: url.hostname, port: Number(url.port) });
    url.port = String(proxy.port);
    [events, bounded] = [[], []];
    topics = amqpTopics(
      { url: url.href },
      {
        timing: { settleMs: 0, reconnect: { baseMs: 20, capMs: 100 }, giveUpMs: 5_000 },
        report: (event) => void events.push(event),
        onBounded: (partition, since) => void bounded.push([partition, since !== null]),
      },
    );
    await topics.create(refs, genesisOf, bound);
  });
  afterEach(async () => {
    proxy.thaw();
    await topics.close();
    await proxy.close();
    await deleteVhost(vhost);
  });

  const spoiled = () => events.flatMap((event) => (event.kind === 'spoiled' ? [event.why] : []));
  const count = (kind: AmqpTopicsEvent['kind']) => events.filter((event) => event.kind === kind).length;
  const withChannel = async (act: (channel: Awaited<ReturnType<typeof open>>['channel']) => Promise<unknown>) => {
    const { connection, channel } = await open(direct);
    await act(channel);
    await connection.close();
  };
  const expectAllOf = async (writer: Writer) => {
    for (const each of refs) {
      const sequence = await drain(topics, each);
      expect(sequence.held).toEqual([]);
      expect(sequence.applied).toBe(writer.confirmed.get(each));
    }
  };

  it('loses nothing and leaves no gap when its connections are cut again and again while it appends', async () => {
    const writer = new Writer(await topics.openAppender(), refs, 20);
    for (let cut = 1; cut <= 10; cut++) {
      const before = writer.count;
      await until(() => (writer.count > before + 40 * cut ? true : undefined));
      proxy.cut();
    }
    await writer.stop();

    expect(spoiled()).toContain('lost');
    await expectAllOf(writer);
  });

  it('gives up a channel whose confirms are late, and loses nothing', async () => {
    const writer = new Writer(await topics.openAppender(), refs, 20);
    for (let freeze = 1; freeze <= 2; freeze++) {
      const before = [writer.count, spoiled().length] as const;
      await until(() => (writer.count > before[0] + 200 ? true : undefined));
      proxy.freeze();
      await until(() => (spoiled().length > before[1] ? true : undefined));
      proxy.thaw();
    }
    await writer.stop();

    expect(spoiled()).toContain('late');
    await expectAllOf(writer);
  });

  it('delivers unsettled entries again, in order, when its connection is cut while it reads', async () => {
    const appender = await topics.openAppender();
    await appender.append(
      Array.from({ length: 50 }, (_, i) => entry(ref, i + 1)),
      never,
    );
    const attachment = await topics.attach(ref, 700, 100);
    expect(await takeTexts(attachment, 51)).toEqual(Array.from({ length: 51 }, (_, i) => String(i)));
    await attachment.settle(711);
    // Proof that the broker has the settlement: it answers later frames of the same connection.
    await topics.stats(ref);

    proxy.cut();
    const first = await attachment.read(1, 10_000, never);

    expect(first).toMatchObject([{ offset: 752, redelivered: true }]);
    expect(Buffer.from(first[0]?.bytes ?? []).toString()).toBe('11');
    expect(await takeTexts(attachment, 39)).toEqual(Array.from({ length: 39 }, (_, i) => String(12 + i)));
  });

  it('does not settle an entry of the new channel by the offset of one of the old', async () => {
    const appender = await topics.openAppender();
    await appender.append(
      [1, 2, 3].map((sequence) => entry(ref, sequence)),
      never,
    );
    const attachment = await topics.attach(ref, null, 10);
    expect(await takeTexts(attachment, 4)).toEqual(['0', '1', '2', '3']);
    proxy.cut();
    expect(await takeTexts(attachment, 4)).toEqual(['0', '1', '2', '3']);

    await attachment.settle(4);
    await attachment.close();

    expect(await takeTexts(await topics.attach(ref, 8, 10), 4)).toEqual(['0', '1', '2', '3']);
  });

  it('ends a reader that is cut off for long', async () => {
    const attachment = await topics.attach(ref, null, 10);
    await takeTexts(attachment, 1);
    proxy.refuse(true);
    proxy.cut();

    await expect(until(async () => ((await attachment.read(1, 500, never)).length > 0 ? true : undefined))).rejects.toMatchObject(
      { class: 'retryable', code: 'amqp_disconnected' },
    );
    proxy.refuse(false);
  });

  it('waits for a queue that was deleted, and appends to the new one what was not confirmed', async () => {
    const appender = await topics.openAppender();
    await appender.append(
      refs.map((each) => entry(each, 1)),
      never,
    );
    await withChannel((channel) => channel.deleteQueue(partitionName(ref)));
    const appending = appender.append(
      refs.map((each) => entry(each, 2)),
      never,
    );
    await until(() => (spoiled().includes('returned') ? true : undefined));

    await topics.create(refs, genesisOf, bound);
    await appending;

    expect(await takeTexts(await topics.attach(ref, null, 10), 2)).toEqual(['0', '2']);
    expect((await drain(topics, refOf(1))).applied).toBe(2);
  });

  it('waits while nothing is bound, and goes on when it is again', async () => {
    const appender = await topics.openAppender();
    await withChannel((channel) => channel.unbindQueue(partitionName(ref), 'cg.test', partitionName(ref)));
    const appending = appender.append([entry(ref, 1)], never);
    await until(() => (spoiled().length > 3 ? true : undefined));

    await topics.create(refs, genesisOf, bound);
    await appending;

    expect((await drain(topics, ref)).applied).toBe(1);
  });

  it('holds entries back at the bound, says so, and delivers all in order once there is room', async () => {
    const small = refOf(7);
    await topics.create([small], genesisOf, 2_000);
    const appender = await topics.openAppender();
    const appending = Array.from({ length: 60 }, (_, i) =>
      appender.append([{ partition: small, bytes: Buffer.from(String(i + 1).padEnd(200)) }], never),
    );
    await until(() => (bounded.length > 0 ? true : undefined));
    // Nothing more goes in, however long it tries.
    await until(() => (spoiled().length > 5 ? true : undefined));
    expect((await topics.stats(small)).entries).toBeLessThan(60);

    const reading = drain(topics, small);
    await Promise.all(appending);
    const [one, two] = [await reading, await drain(topics, small)];

    expect(Math.max(one.applied, ...one.held, two.applied, ...two.held)).toBe(60);
    expect(bounded[0]).toEqual([small, true]);
    expect(bounded.at(-1)).toEqual([small, false]);
  });

  it('keeps appending where there is room once the caller of a full partition gave up', async () => {
    const small = refOf(7);
    await topics.create([small], genesisOf, 100);
    const appender = await topics.openAppender();
    const stop = new AbortController();
    const full = appender.append(
      Array.from({ length: 20 }, () => ({ partition: small, bytes: Buffer.alloc(200) })),
      stop.signal,
    );
    const behind = appender.append([entry(ref, 1)], never);
    await until(() => (bounded.length > 0 ? true : undefined));

    stop.abort(new Error('stopped by the test'));

    await expect(full).rejects.toThrow('stopped by the test');
    await behind;
    expect((await drain(topics, ref)).applied).toBe(1);
  });

  it('fails the batch of an entry that is too large for the broker, and no other', { timeout: 60_000 }, async () => {
    await broker.evaluate('application:set_env(rabbit, max_message_size, 10000).');
    try {
      const appender = await topics.openAppender();
      const before = appender.append([entry(ref, 1)], never);
      const large = appender.append([{ partition: ref, bytes: Buffer.alloc(20_000) }], never);
      const after = appender.append([entry(ref, 2)], never);

      await expect(large).rejects.toMatchObject({ class: 'poison', code: 'entry_too_large' });
      await Promise.all([before, after]);
    } finally {
      await broker.evaluate('application:set_env(rabbit, max_message_size, 134217728).');
    }
    expect((await drain(topics, ref)).applied).toBe(2);
  });

  it('survives the time limit of the broker for acknowledgements', { timeout: 60_000 }, async () => {
    await broker.evaluate(
      'application:set_env(rabbit, consumer_timeout, 500), application:set_env(rabbit, channel_tick_interval, 500).',
    );
    try {
      const attachment = await topics.attach(ref, null, 10);
      await takeTexts(attachment, 1);
      await until(() => (count('detached') > 0 ? true : undefined));

      const again = await attachment.read(1, 10_000, never);
      await attachment.settle(again[0]?.offset ?? 0);
      await (await topics.openAppender()).append([entry(ref, 1)], never);

      expect(await takeTexts(attachment, 1)).toEqual(['1']);
      await attachment.close();
    } finally {
      await broker.evaluate(
        'application:set_env(rabbit, consumer_timeout, 1800000), application:set_env(rabbit, channel_tick_interval, 60000).',
      );
    }
  });

  it('waits while the broker is out of memory without sending anything twice', { timeout: 60_000 }, async () => {
    const appender = await topics.openAppender();
    await appender.append([entry(ref, 1)], never);
    await broker.evaluate('vm_memory_monitor:set_vm_memory_high_watermark(0.00001).');
    let appending: Promise<unknown>;
    try {
      appending = Promise.all([2, 3, 4].map((sequence) => appender.append([entry(ref, sequence)], never)));
      await until(() => (topics.blockedSince !== null ? true : undefined));
      // Reading goes on: it has a connection of its own.
      expect(await takeTexts(await topics.attach(refOf(1), null, 10), 1)).toEqual(['0']);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
    } finally {
      await broker.evaluate('vm_memory_monitor:set_vm_memory_high_watermark({absolute, 512000000}).');
    }
    await appending;
    const sequence = await drain(topics, ref);

    expect([sequence.applied, sequence.held, count('blocked'), count('unblocked'), spoiled()]).toEqual([4, [], 1, 1, []]);
    // The genesis entry is the one that repeats: it reads as 0.
    expect(sequence.repeated).toBe(1);
  });

  it('refuses a queue that somebody declared otherwise, naming the queue, the argument and what to do', async () => {
    await expect(topics.create([ref], genesisOf, 2 * bound)).rejects.toMatchObject({
      class: 'fatal',
      code: 'amqp_arguments_differ',
      message: expect.stringMatching(/cg\.test\.sink\.g1\.p0.*x-max-length-bytes: '1000000' instead of '2000000'.*Remedy: set/),
    });
    await withChannel((channel) =>
      channel.assertQueue(partitionName(refOf(9)), { durable: true, arguments: { 'x-queue-type': 'quorum' } }),
    );
    await expect(topics.create([refOf(9)], genesisOf, bound)).rejects.toMatchObject({
      class: 'fatal',
      message: expect.stringMatching(/cg\.test\.sink\.g1\.p9 exists with another x-.*Remedy: somebody else declared it/),
    });
  });

  it('hands out an entry that nobody of ours wrote as refused', async () => {
    const name = partitionName(ref);
    const { kid, mac } = testKeys.sign(partitionName(refOf(1)), Buffer.from('moved'));
    const headersOf = {
      'no signature': {},
      moved: { kid, mac },
      changed: testKeys.sign(name, Buffer.from('changed?')),
      'a key': { kid: 'k0', mac },
    };
    await withChannel(async (channel) => {
      for (const [text, headers] of Object.entries(headersOf)) channel.publish('', name, Buffer.from(text), { headers });
      await channel.waitForConfirms();
    });
    await (await topics.openAppender()).append([entry(ref, 1)], never);
    const attachment = await topics.attach(ref, null, 10);

    const received = await until(async () =>
      (await topics.stats(ref)).entries === 5 ? attachment.read(10, 1_000, never) : undefined,
    );

    expect(received.map(({ bytes, refused }) => [Buffer.from(bytes).toString(), refused?.replace(/,.*/, '')])).toEqual([
      ['0', undefined],
      ['no signature', 'it carries no signature'],
      ['moved', 'its signature by the key k1 is wrong'],
      ['changed', 'its signature by the key k1 is wrong'],
      ['a key', 'its signature by the key k0 is wrong'],
      ['1', undefined],
    ]);
  });

  it('gives more to a reader that holds all it may have and waits for what stands behind', async () => {
    const appender = await topics.openAppender();
    await appender.append(
      [1, 2, 3, 4, 5, 6].map((sequence) => entry(ref, sequence)),
      never,
    );
    const attachment = await topics.attach(ref, null, 3);
    expect(await takeTexts(attachment, 3)).toEqual(['0', '1', '2']);

    expect(await attachment.read(10, 100, never)).toEqual([]);

    expect(await takeTexts(attachment, 6)).toEqual(['0', '1', '2', '3', '4', '5']);
  });
});

async function open({ url }: AmqpConfig) {
  const connection = await connect(url);
  return { connection, channel: await connection.createConfirmChannel() };
}
