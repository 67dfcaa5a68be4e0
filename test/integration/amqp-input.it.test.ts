import { randomUUID } from 'node:crypto';
import { connect } from 'amqplib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { amqp } from '../../src/inputs/amqp/index.ts';
import { AmqpInputSchema } from '../../src/inputs/amqp/schema.ts';
import type { Input } from '../../src/inputs/input.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { describeInput, Listener } from '../contract/input.contract.ts';
import { deleteQueue, killConsumersOf, publish, removeTopology, takeAll } from '../services/rabbitmq.ts';
import { startProxy, type TcpProxy } from '../services/tcp-proxy.ts';
import { amqpUrl } from '../services/with-services.ts';

for (const quorum of [false, true]) {
  describeInput(
    `amqp (${quorum ? 'quorum' : 'classic'} queue)`,
    { ends: false, givenBack: 'comes again', canary: true },
    async () => {
      const exchange = `x-${randomUUID()}`;
      const topic = `t-${randomUUID()}`;
      const queue = `${topic}.info`;
      const url = await amqpUrl();
      return {
        open: (context, prefetch) =>
          amqp.open(
            AmqpInputSchema.parse({ url, exchanges: [exchange], topics: [topic], priorities: ['info'], prefetch, quorum }),
            context,
          ),
        feed: (bodies) => publish(exchange, queue, bodies),
        kept: () => takeAll(queue),
        close: () => removeTopology([exchange], [queue]),
      };
    },
  );
}

describe('the amqp input and its broker', () => {
  let exchanges: readonly string[];
  let topics: readonly string[];
  let queues: readonly string[];
  let proxy: TcpProxy;
  let viaProxy: string;
  let listener: Listener;
  let input: Input | undefined;
  let running: Promise<void> = Promise.resolve();

  beforeEach(async () => {
    exchanges = [`a-${randomUUID()}`, `b-${randomUUID()}`];
    topics = [`s-${randomUUID()}`, `t-${randomUUID()}`];
    queues = topics.flatMap((topic) => [`${topic}.info`, `${topic}.error`]);
    const direct = new URL(await amqpUrl());
    proxy = await startProxy({ host: direct.hostname, port: Number(direct.port || 5672) });
    direct.port = String(proxy.port);
    direct.hostname = '127.0.0.1';
    viaProxy = direct.toString();
    listener = new Listener();
    input = undefined;
  });
  afterEach(async () => {
    proxy.thaw();
    listener.hard();
    await Promise.allSettled([running]);
    await input?.close();
    await proxy.close();
    await removeTopology(exchanges, queues);
  });

  const open = async (more: Readonly<Record<string, unknown>> = {}) => {
    const parameters = { url: viaProxy, exchanges, topics, priorities: ['info', 'error'], ...more };
    input = await amqp.open(AmqpInputSchema.parse(parameters), listener.context);
    running = listener.follow(input.run());
    return input;
  };
  const connections = () => listener.events.filter((event) => event.kind === 'connected').length;
  const bodies = (count: number, prefix = 'n') => Array.from({ length: count }, (_, index) => `{"${prefix}":${index}}`);
  const [infoOf, errorOf] = [(index: number) => `${topics[index]}.info`, (index: number) => `${topics[index]}.error`];

  it('takes every topic and priority from every exchange, and says which', async () => {
    listener.onDelivery = (delivery) => delivery.settle();
    await open();
    await listener.connected();

    await publish(exchanges[0] ?? '', infoOf(0), ['1']);
    await publish(exchanges[1] ?? '', infoOf(0), ['2']);
    await publish(exchanges[1] ?? '', errorOf(1), ['3']);
    await listener.until(() => listener.deliveries.length === 3);

    const seen = listener.deliveries.map((delivery) => [
      Buffer.from(delivery.body).toString(),
      delivery.priority,
      delivery.origin,
    ]);
    expect(seen.sort()).toEqual([
      ['1', 'info', `amqp://${exchanges[0]}/${infoOf(0)}`],
      ['2', 'info', `amqp://${exchanges[1]}/${infoOf(0)}`],
      ['3', 'error', `amqp://${exchanges[1]}/${errorOf(1)}`],
    ]);
  });

  it('says which trace a message belongs to, where a header does', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    listener.onDelivery = (delivery) => delivery.settle();
    await open();
    await listener.connected();

    const connection = await connect(await amqpUrl());
    const channel = await connection.createConfirmChannel();
    for (const headers of [{ traceparent }, { traceparent: 'none' }, {}])
      channel.publish(exchanges[0] ?? '', infoOf(0), Buffer.from('1'), { headers });
    await channel.waitForConfirms();
    await connection.close();
    await listener.until(() => listener.deliveries.length === 3);

    expect(listener.deliveries.map((delivery) => delivery.traceparent)).toEqual([traceparent, undefined, undefined]);
  });

  it('loses nothing while its connection is killed again and again', async () => {
    const settled = new Set<string>();
    let sinceCut = 0;
    listener.onDelivery = (delivery) => {
      settled.add(Buffer.from(delivery.body).toString());
      delivery.settle();
      if (++sinceCut < 300 || settled.size >= 2_500) return;
      sinceCut = 0;
      proxy.cut();
    };
    const all = bodies(3_000);
    await open({ prefetch: 100 });
    await listener.connected();

    await publish('', infoOf(0), all);
    await listener.until(() => settled.size === all.length);
    // What was settled on a connection that was cut came back before this one.
    await publish('', infoOf(0), ['last']);
    await listener.until(() => listener.bodies.includes('last'));
    listener.soft();
    await running;

    expect([...settled].sort()).toEqual([...all, 'last'].sort());
    expect(connections()).toBeGreaterThan(5);
    expect(await takeAll(infoOf(0))).toEqual([]);
  });

  it('connects again after an operator closed its connection', async () => {
    listener.onDelivery = (delivery) => delivery.settle();
    await open();
    await listener.connected();

    await killConsumersOf(infoOf(0));
    await listener.until(() => connections() === 2);
    await publish('', infoOf(0), ['after']);
    await listener.until(() => listener.bodies.includes('after'));

    expect(listener.events.map((event) => event.kind)).toEqual(['connected', 'disconnected', 'connected']);
  });

  it('delivers again what was unsettled when the connection went, and drops the late settlement', async () => {
    await open();
    await listener.connected();
    await publish('', infoOf(0), ['x']);
    await listener.until(() => listener.deliveries.length === 1);

    proxy.cut();
    await listener.until(() => listener.deliveries.length === 2);
    listener.deliveries[0]?.settle();
    await input?.prove().catch(() => undefined);
    listener.hard();
    await running;

    expect(listener.deliveries[1]?.redelivered).toBe(true);
    expect(await takeAll(infoOf(0))).toEqual(['x']);
  });

  it('never hands out more than the prefetch over all its queues and connections', async () => {
    await open({ prefetch: 5 });
    await listener.connected();
    await publish('', infoOf(0), bodies(10, 'a'));
    await publish('', infoOf(1), bodies(10, 'b'));
    await listener.until(() => listener.deliveries.length === 5);

    proxy.cut();
    await listener.until(() => connections() === 2);
    const settled = new Set<string>();
    for (let index = 0; settled.size < 20; index++) {
      await listener.until(() => listener.deliveries.length > index);
      if (index >= 5) settled.add(listener.bodies[index] ?? '');
      listener.deliveries[index]?.settle();
    }

    expect(listener.mostOutstanding).toBe(5);
  });

  it('leaves to others what it was not handed, while it waits for what is outstanding', async () => {
    await open({ prefetch: 5 });
    await listener.connected();
    await publish('', infoOf(0), bodies(10, 'a'));
    await publish('', infoOf(1), bodies(10, 'b'));
    await listener.until(() => listener.deliveries.length === 5);

    listener.soft();
    const others = [...(await takeAll(infoOf(0))), ...(await takeAll(infoOf(1)))];
    const endedEarly = listener.ended;
    for (const delivery of listener.deliveries) delivery.settle();
    await running;

    expect([others.length, endedEarly]).toEqual([15, false]);
    expect(new Set([...others, ...listener.bodies]).size).toBe(20);
  });

  it('says once that settlements may be lost when the connection went before they were proven', async () => {
    listener.onDelivery = (delivery) => delivery.settle();
    const opened = await open();
    await listener.connected();
    await publish('', infoOf(0), ['x']);
    await listener.until(() => listener.deliveries.length === 1);

    proxy.cut();
    await listener.until(() => connections() === 2);

    await expect(opened.prove()).rejects.toMatchObject({ class: 'retryable', code: 'settlements_lost' });
    await expect(opened.prove()).resolves.toBeUndefined();
  });

  it('gives up what it handed out when its broker was not heard for a minute, though the connection lives', async () => {
    let asleep = 0;
    const clock: Clock = { ...systemClock, now: () => Date.now() + asleep };
    listener = new Listener({ clock });
    await open();
    await listener.connected();
    await publish('', infoOf(0), ['x']);
    await listener.until(() => listener.deliveries.length === 1);
    const [first] = listener.deliveries;
    expect(first?.custody?.holds()).toBe(true);

    asleep = 61_000;
    expect(first?.custody?.holds()).toBe(false);
    await publish('', infoOf(0), ['y']);
    await listener.until(() => connections() === 2);
    await listener.until(() => listener.bodies.filter((body) => body === 'x').length === 2);

    expect(first?.custody?.lost.aborted).toBe(true);
    expect(listener.deliveries.at(-1)?.custody?.holds()).toBe(true);
    for (const delivery of listener.deliveries) delivery.settle();
  });

  it('has nothing to say about a loss when everything was proven before', async () => {
    listener.onDelivery = (delivery) => delivery.settle();
    const opened = await open();
    await listener.connected();
    await publish('', infoOf(0), ['x']);
    await listener.until(() => listener.deliveries.length === 1);

    await opened.prove();
    proxy.cut();
    await listener.until(() => connections() === 2);

    await expect(opened.prove()).resolves.toBeUndefined();
  });

  it('declares a queue again after it was deleted', async () => {
    listener.onDelivery = (delivery) => delivery.settle();
    await open();
    await listener.connected();

    await deleteQueue(infoOf(1));
    await listener.until(() => connections() === 2);
    await publish(exchanges[1] ?? '', infoOf(1), ['after']);
    await listener.until(() => listener.deliveries.length === 1);

    expect(listener.events[1]).toMatchObject({ kind: 'disconnected', detail: expect.stringContaining(infoOf(1)) });
  });

  it('notices by its heartbeat that the broker is silent', async () => {
    listener.onDelivery = (delivery) => delivery.settle();
    await open({ heartbeat_s: 1 });
    await listener.connected();

    proxy.freeze();
    await listener.until(() => listener.events.some((event) => event.kind === 'disconnected'));
    proxy.thaw();
    await listener.until(() => connections() === 2);
    await publish('', infoOf(0), ['after']);

    await listener.until(() => listener.bodies.includes('after'));
  });

  it('leaves a silent broker at once when told to', async () => {
    await open();
    await listener.connected();

    proxy.freeze();
    listener.hard();

    await running;
  });

  it('goes to the next URL when the first does not answer', async () => {
    listener.onDelivery = (delivery) => delivery.settle();
    const dead = new URL(viaProxy);
    dead.port = '1';
    await open({ url: [dead.toString(), viaProxy] });

    await listener.connected();

    expect(listener.events.map((event) => event.kind)).toEqual(['disconnected', 'connected']);
    expect(listener.events[0]).toMatchObject({ detail: expect.not.stringContaining('guest') });
  });

  it('keeps trying while nobody answers, with pauses that grow', async () => {
    listener = new Listener({ random: () => 0.02 });
    proxy.refuse(true);
    await open();

    await listener.until(() => listener.events.length === 4);
    proxy.refuse(false);
    await listener.connected();

    const pauses = listener.events.flatMap((event) => (event.kind === 'disconnected' ? [event.retryInMs] : []));
    expect(pauses.slice(0, 4)).toEqual([10, 20, 40, 80]);
  });

  it.each([
    ['durable', { durable: true }, {}, 'durable: true'],
    ['auto_delete', { autoDelete: true }, {}, 'auto_delete: true'],
    ['quorum, which the site has', { durable: true, arguments: { 'x-queue-type': 'quorum' } }, { durable: true }, 'quorum: true'],
    ['quorum, which the site has not', { durable: true }, { quorum: true }, 'quorum: false'],
    ['another argument', { arguments: { 'x-max-length': 5 } }, {}, 'queue_arguments: { x-max-length'],
  ])('refuses to start when the queue differs in %s, and names the flag', async (_title, site, ours, hint) => {
    const connection = await connect(await amqpUrl());
    const channel = await connection.createChannel();
    const exchangesDurable = 'quorum' in ours || 'durable' in ours;
    for (const exchange of exchanges) await channel.assertExchange(exchange, 'topic', { durable: exchangesDurable });
    await channel.assertQueue(infoOf(0), { durable: false, ...site });
    await connection.close();

    await open(ours);

    await expect(running).rejects.toMatchObject({
      class: 'fatal',
      code: 'amqp_flags_differ',
      message: expect.stringContaining(hint),
    });
  });

  it('refuses to start when the exchange is of another type', async () => {
    const connection = await connect(await amqpUrl());
    await (await connection.createChannel()).assertExchange(exchanges[0] ?? '', 'direct', { durable: false });
    await connection.close();

    await open();

    await expect(running).rejects.toMatchObject({ class: 'fatal', message: expect.stringContaining('exchange_type: direct') });
  });

  it('refuses to start with a wrong password, without showing it', async () => {
    const url = new URL(viaProxy);
    url.password = 'wrong-and-secret';
    await open({ url: url.toString() });

    const failure = (await running.then(
      () => undefined,
      (error: unknown) => error,
    )) as Error;

    expect(failure).toMatchObject({ class: 'fatal', code: 'amqp_refused' });
    expect(failure.message).not.toContain('wrong-and-secret');
  });

  it('refuses to start in a vhost that does not exist', async () => {
    const url = new URL(viaProxy);
    url.pathname = '/no-such-vhost';
    await open({ url: url.toString() });

    await expect(running).rejects.toMatchObject({ class: 'fatal', code: 'amqp_not_allowed' });
  });

  it('waits for queues that others declare when it may not', async () => {
    listener = new Listener({ random: () => 0.02 });
    await open({ declare: false, topics: [topics[0]], priorities: ['info'] });
    await listener.until(() => listener.events.length === 2);

    const connection = await connect(await amqpUrl());
    await (await connection.createChannel()).assertQueue(infoOf(0), { durable: false });
    await connection.close();
    await listener.connected();

    expect(listener.events[0]).toMatchObject({ kind: 'disconnected', detail: expect.stringContaining(infoOf(0)) });
  });

  it('sends its canary into every queue', async () => {
    const opened = await open();
    await listener.connected();

    await expect(opened.sendCanary(Buffer.from('{}'))).resolves.toBe(true);
    await listener.until(() => listener.deliveries.length === 4);

    expect(listener.deliveries.map((delivery) => delivery.origin).sort()).toEqual(
      queues.map((queue) => `amqp:///${queue}`).sort(),
    );
  });

  it('fails to send a canary into a queue that is gone, and sends again when it is back', async () => {
    listener = new Listener({ random: () => 0.5 }); // a pause before the queue is declared again
    const opened = await open();
    await listener.connected();
    await opened.sendCanary(Buffer.from('{}'));
    await deleteQueue(errorOf(0));
    await listener.until(() => listener.events.some((event) => event.kind === 'disconnected'));

    await expect(opened.sendCanary(Buffer.from('{}'))).rejects.toMatchObject({ class: 'retryable', code: 'amqp_not_found' });
    await listener.until(() => connections() === 2);
    await expect(opened.sendCanary(Buffer.from('{}'))).resolves.toBe(true);
  });
});
