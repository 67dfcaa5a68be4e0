import { randomUUID } from 'node:crypto';
import { connect } from 'amqplib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeNotification } from '../../src/core/convert/envelope.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createSigner } from '../../src/lib/hmac.ts';
import { makeBatch } from '../../src/pipeline/batch.ts';
import { createItemCodec } from '../../src/pipeline/item-codec.ts';
import { amqp } from '../../src/publishers/amqp/index.ts';
import { Link } from '../../src/publishers/amqp/link.ts';
import { AmqpSchema } from '../../src/publishers/amqp/schema.ts';
import type { Publisher } from '../../src/publishers/publisher.ts';
import { codec, publisherContract, sample } from '../contract/publisher.contract.ts';
import { removeTopology, takeAll } from '../services/rabbitmq.ts';
import { startProxy, type TcpProxy } from '../services/tcp-proxy.ts';
import { amqpUrl } from '../services/with-services.ts';

const context = { name: 'target', sink: 'sink', kind: 'samples', clock: systemClock, random: Math.random, baseDir: '/' } as const;
const never = new AbortController().signal;

async function proxied(): Promise<{ proxy: TcpProxy; url: string }> {
  const url = new URL(await amqpUrl());
  const proxy = await startProxy({ host: url.hostname, port: Number(url.port || 5672) });
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  return { proxy, url: url.href };
}

const inner = (body: string) => (JSON.parse(body) as { 'oslo.message': string })['oslo.message'];

publisherContract(
  'amqp',
  async () => {
    const { proxy, url } = await proxied();
    const exchange = `x-${randomUUID()}`;
    const topic = `t-${randomUUID()}`;
    const bodies: string[] = [];
    const collect = async () => {
      bodies.push(...(await takeAll(`${topic}.sample`)));
      return bodies.map(inner);
    };
    const open = (where: string) =>
      amqp.open(AmqpSchema.parse({ url: where, exchange, topic, queue_durable: true, confirm_timeout_ms: 2_000 }), context);
    return {
      open: () => open(url),
      arrived: async () =>
        (await collect()).flatMap((text) => {
          const payload = text.slice(text.indexOf('"payload":'));
          const volumes = [...payload.matchAll(/"counter_volume":([^,}]+)/g)].map(([, volume = '']) => volume);
          const ids = [...payload.matchAll(/"message_id":"([^"]+)"/g)].map(([, id = '']) => id);
          return ids.map((id, index) => ({ id, volume: volumes[index] ?? '' }));
        }),
      batchIds: async () => (await collect()).map((text) => (JSON.parse(text) as { message_id: string }).message_id),
      leavesOutRepetitions: false,
      fail: async () => {
        proxy.refuse(true);
        proxy.cut();
      },
      heal: async () => proxy.refuse(false),
      openNowhere: () => open('amqp://127.0.0.1:1'),
      close: async () => {
        await removeTopology([exchange], [`${topic}.sample`]);
        await proxy.close();
      },
    };
  },
  { refuses: false, fails: true, hasIds: true },
);

describe('the amqp publisher and its broker', () => {
  let proxy: TcpProxy;
  let url: string;
  let exchange: string;
  let topic: string;
  let queue: string;
  let publisher: Publisher | undefined;

  beforeEach(async () => {
    ({ proxy, url } = await proxied());
    exchange = `x-${randomUUID()}`;
    topic = `t-${randomUUID()}`;
    queue = `${topic}.sample`;
    publisher = undefined;
  });
  afterEach(async () => {
    proxy.thaw();
    await publisher?.close();
    await removeTopology([exchange], [queue]);
    await proxy.close();
  });

  const open = async (options: Record<string, unknown> = {}) => {
    publisher = await amqp.open(
      AmqpSchema.parse({ url, exchange, topic, queue_durable: true, confirm_timeout_ms: 2_000, ...options }),
      context,
    );
    return publisher;
  };
  const batch = (...ids: string[]) =>
    makeBatch(
      ids.map((id) => sample(id)),
      codec,
      false,
    );
  const bind = async (options: object) => {
    const connection = await connect(await amqpUrl());
    try {
      const channel = await connection.createChannel();
      await channel.assertExchange(exchange, 'topic', { durable: false });
      await channel.assertQueue(queue, options);
      await channel.bindQueue(queue, exchange, queue);
    } finally {
      await connection.close();
    }
  };

  it("sends what Ceilometer's notifier sends: an oslo notification at priority sample with a list of signed messages", async () => {
    const signed = createItemCodec(createSigner('secret'));
    const target = await open({ publisher_id: 'telemetry.publisher.here' });

    await target.publish(makeBatch([sample('m1'), sample('m2')], signed, false), never);

    const [body = ''] = await takeAll(queue);
    const notification = decodeNotification(Buffer.from(body), undefined, { maxBytes: 1_000_000 });
    expect(notification).toMatchObject({ publisher_id: 'telemetry.publisher.here', event_type: 'metering', priority: 'sample' });
    expect(notification.timestamp).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);
    expect(notification.payload).toMatchObject([
      { message_id: 'm1', counter_name: 'cpu', message_signature: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { message_id: 'm2' },
    ]);
    expect(JSON.parse(body)).toMatchObject({ 'oslo.version': '2.0' });
    expect(JSON.parse(inner(body))).toMatchObject({ priority: 'SAMPLE', _unique_id: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });

  it('publishes to several topics, and per meter, each under an id of its own that stays the same', async () => {
    const other = `${topic}-2`;
    const target = await open({ topic: [topic, other], per_meter_topic: true });
    const items = [sample('m1'), { ...sample('m2'), name: 'another' }, sample('m3')];

    await target.publish(makeBatch(items, codec, false), never);
    await target.publish(makeBatch(items, codec, true), never);

    const read = async (name: string) =>
      (await takeAll(name)).map((body) => {
        const { event_type, message_id, payload } = JSON.parse(inner(body)) as Record<string, unknown>;
        return { event_type, message_id, ids: (payload as { message_id: string }[]).map((message) => message.message_id) };
      });
    const [first, second] = [await read(queue), await read(`${other}.sample`)];
    await removeTopology([], [`${other}.sample`]);
    expect(first.slice(0, 3)).toMatchObject([
      { event_type: 'metering', ids: ['m1', 'm2', 'm3'] },
      { event_type: 'metering.another', ids: ['m2'] },
      { event_type: 'metering.cpu', ids: ['m1', 'm3'] },
    ]);
    expect(first.slice(3)).toEqual(first.slice(0, 3));
    expect(second.map(({ ids }) => ids)).toEqual(first.map(({ ids }) => ids));
    expect(new Set([...first, ...second].map(({ message_id }) => message_id)).size).toBe(6);
  });

  it('does not take an unroutable message for published, and publishes it once somebody is bound', async () => {
    const target = await open({ declare_queue: false });

    await expect(target.publish(batch('a'), never)).rejects.toMatchObject({ class: 'retryable', code: 'amqp_unroutable' });
    await bind({ durable: true });
    await target.publish(batch('a'), never);

    expect(await takeAll(queue)).toHaveLength(1);
  });

  it('does not take a refused message for published', async () => {
    await bind({ durable: true, arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } });
    const target = await open({ declare_queue: false });
    await target.publish(batch('a'), never);

    await expect(target.publish(batch('b'), never)).rejects.toMatchObject({ class: 'retryable', code: 'amqp_nack' });
    const kept = await takeAll(queue);
    await target.publish(batch('b'), never);

    expect([kept.length, (await takeAll(queue)).length]).toEqual([1, 1]);
  });

  it('leaves a connection on which a confirm is late, and publishes on a new one', async () => {
    const target = await open({ confirm_timeout_ms: 300 });
    await target.publish(batch('a'), never);
    proxy.freeze();

    await expect(target.publish(batch('b'), never)).rejects.toMatchObject({ class: 'retryable', code: 'amqp_confirm_late' });
    proxy.thaw();
    await target.publish(batch('b'), never);

    const ids = (await takeAll(queue)).map((body) => /"message_id":"(.)"/.exec(inner(body))?.[1]);
    expect(new Set(ids)).toEqual(new Set(['a', 'b']));
  });

  it('never uses a channel again that saw a return, nor a connection with a late confirm', async () => {
    const link = new Link({
      urls: [url],
      socketOptions: {},
      connectionName: 'test',
      timeoutMs: 300,
      clock: systemClock,
      prepare: async (channel) => {
        await channel.assertExchange(exchange, 'topic', { durable: false });
      },
    });
    const first = await link.channel(never);
    await expect(link.publish(exchange, queue, Buffer.from('x'), {}, never)).rejects.toMatchObject({ code: 'amqp_unroutable' });
    const second = await link.channel(never);
    proxy.freeze();
    await expect(link.publish(exchange, queue, Buffer.from('x'), {}, never)).rejects.toMatchObject({ code: 'amqp_confirm_late' });
    proxy.thaw();
    const third = await link.channel(never);

    expect(second).not.toBe(first);
    expect(second.connection).toBe(first.connection);
    expect(third.connection).not.toBe(second.connection);
    await link.close();
  });

  it('leaves at once when told to while the broker hangs', async () => {
    const target = await open({ confirm_timeout_ms: 60_000 });
    await target.publish(batch('a'), never);
    proxy.freeze();
    const stop = new AbortController();
    const publishing = target.publish(batch('b'), stop.signal);

    stop.abort(new Error('leaving'));

    await expect(publishing).rejects.toThrow('leaving');
  });

  it('gives up a connection attempt to a broker that hangs', async () => {
    proxy.freeze();
    const target = await open({ confirm_timeout_ms: 300 });

    await expect(target.probe(never)).rejects.toMatchObject({ class: 'retryable' });
  });

  it('says which flag differs from the queue that is there', async () => {
    await bind({ durable: true, arguments: { 'x-queue-type': 'quorum' } });
    const target = await open();

    const fault = await target.probe(never).catch((error: unknown) => error);

    expect(fault).toMatchObject({ class: 'retryable', code: 'amqp_precondition_failed', retryAfterMs: 30_000 });
    expect(String((fault as Error).message)).toContain('x-queue-type');
  });

  it('tries the next broker of its list when one is away', async () => {
    const target = await open({ url: ['amqp://127.0.0.1:1', url] });

    await expect(target.publish(batch('a'), never)).rejects.toMatchObject({ class: 'retryable' });
    await target.publish(batch('a'), never);

    expect(await takeAll(queue)).toHaveLength(1);
  });
});
