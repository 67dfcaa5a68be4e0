import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connect } from 'amqplib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { http } from '../../src/inputs/http/index.ts';
import { HttpInputSchema } from '../../src/inputs/http/schema.ts';
import { Listener } from '../contract/input.contract.ts';
import { removeTopology, takeAll } from '../services/rabbitmq.ts';
import { startProxy } from '../services/tcp-proxy.ts';
import { amqpUrl } from '../services/with-services.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const send = async (input: string, to: string, ...more: readonly string[]) => {
  const child = spawn('node', ['--import', 'tsx', 'src/cli/main.ts', 'send', '-', '--to', to, '--json', ...more], { cwd: root });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  child.stdin.on('error', () => undefined); // it may end before it read everything
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  return { code, err, counts: out === '' ? undefined : (JSON.parse(out) as Record<string, number>) };
};
const lines = (count: number) => Array.from({ length: count }, (_, index) => `{"message_id":"${index}","payload":{"n":1.0}}`);

describe('ceilograph send', () => {
  let exchange: string;
  let topic: string;
  let to: URL;

  beforeEach(async () => {
    [exchange, topic] = [`x-${randomUUID()}`, `t-${randomUUID()}`];
    to = new URL(await amqpUrl());
    to.search = `?exchange=${exchange}&topic=${topic}`;
  });
  afterEach(() => removeTopology([exchange], [`${topic}.info`, `${topic}.error`]));

  it('puts every line into an envelope, unchanged, under the routing key of its priority', async () => {
    const enveloped = JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': '{"priority":"ERROR"}' });

    const { code, counts } = await send(`{"payload": {"n": 1.0}}\n${enveloped}\n`, to.toString());

    expect([code, counts?.['sent']]).toEqual([0, 2]);
    const [message] = (await takeAll(`${topic}.info`)).map((body) => JSON.parse(body) as Record<string, string>);
    expect(message?.['oslo.message']).toBe('{"payload": {"n": 1.0}}');
    expect(await takeAll(`${topic}.error`)).toEqual([enveloped]);
  });

  it('sends the other lines when one is no notification, and fails at the end', async () => {
    const { code, counts, err } = await send('{"a":1}\noops\n{"b":1}\n', to.toString());

    expect([code, counts]).toEqual([1, expect.objectContaining({ sent: 2, bad: 1 })]);
    expect(err).toContain('line 2');
    expect(await takeAll(`${topic}.info`)).toHaveLength(2);
  });

  it('loses nothing when the connection breaks', async () => {
    const direct = new URL(to);
    const proxy = await startProxy({ host: direct.hostname, port: Number(direct.port || 5672) });
    to.port = String(proxy.port);
    let cuts = 0;
    const cutting = setInterval(() => {
      if (proxy.open === 0 || cuts++ > 3) return;
      proxy.cut();
    }, 100);

    const { code, counts } = await send(lines(4_000).join('\n'), to.toString(), '--batch', '20');
    clearInterval(cutting);
    await proxy.close();

    expect([code, counts?.['sent']]).toEqual([0, 4_000]);
    expect(new Set(await takeAll(`${topic}.info`)).size).toBe(4_000);
    expect(cuts).toBeGreaterThan(0);
  });

  it('fails when nothing takes the message', async () => {
    const connection = await connect(await amqpUrl());
    await (await connection.createChannel()).assertExchange(exchange, 'topic', { durable: false });
    await connection.close();

    const { code, err, counts } = await send('{}\n', `${to}&declare=false`);

    expect([code, counts?.['sent']]).toEqual([1, 0]);
    expect(err).toContain('no queue takes');
  });

  it('gives up in time when nobody answers, without showing the password', async () => {
    const { code, err } = await send('{}\n', 'amqp://user:very-secret@127.0.0.1:1/', '--timeout', '1');

    expect(code).toBe(1);
    expect(err).toContain('gave up');
    expect(err).not.toContain('very-secret');
  });

  it('posts to an agent, and sends again what had no room', async () => {
    const listener = new Listener();
    let n = 0;
    listener.onDelivery = (delivery) => {
      if (++n === 7) delivery.giveBack();
      else delivery.settle();
    };
    const input = await http.open(HttpInputSchema.parse({ port: 0 }), listener.context);
    const running = input.run();
    await listener.connected();
    const url = new URL(listener.events[0]?.detail ?? '').origin;

    const { code, counts } = await send(lines(20).join('\n'), url);
    listener.soft();
    await running;

    expect([code, counts?.['sent'], new Set(listener.bodies).size]).toEqual([0, 20, 20]);
  });

  it.each([
    [['--rate', '0'], 'positive'],
    [['--batch', 'x'], 'positive'],
  ])('refuses %j', async (more, word) => {
    const { code, err } = await send('', to.toString(), ...more);

    expect([code, err]).toEqual([2, expect.stringContaining(word)]);
  });

  it('keeps the pace it is told', async () => {
    const { counts } = await send(lines(40).join('\n'), to.toString(), '--rate', '50');

    expect(counts?.['seconds']).toBeGreaterThan(0.7);
    expect(counts?.['sent']).toBe(40);
  });
});
