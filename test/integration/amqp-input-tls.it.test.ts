import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { amqp } from '../../src/inputs/amqp/index.ts';
import { AmqpInputSchema } from '../../src/inputs/amqp/schema.ts';
import type { Input } from '../../src/inputs/input.ts';
import { Listener } from '../contract/input.contract.ts';
import { makeCertificate } from '../services/certificate.ts';
import { publish, removeTopology } from '../services/rabbitmq.ts';
import { amqpUrl } from '../services/with-services.ts';

describe('the amqp input over TLS', () => {
  let certificate: Awaited<ReturnType<typeof makeCertificate>>;
  let server: Server;
  let port: number;
  let listener: Listener;
  let input: Input | undefined;
  let running: Promise<void>;
  const exchange = `x-${randomUUID()}`;
  const topic = `t-${randomUUID()}`;

  beforeAll(async () => {
    certificate = await makeCertificate('broker.test');
    const broker = new URL(await amqpUrl());
    server = createServer({ cert: await readFile(certificate.cert), key: await readFile(certificate.key) }, (near) => {
      const far = connect(Number(broker.port || 5672), broker.hostname);
      near.pipe(far).pipe(near);
      for (const [one, other] of [[near, far] as const, [far, near] as const]) {
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterAll(async () => {
    server.close();
    await rm(certificate.folder, { recursive: true });
    await removeTopology([exchange], [`${topic}.info`]);
  });
  beforeEach(() => {
    listener = new Listener();
    listener.onDelivery = (delivery) => delivery.settle();
  });
  afterEach(async () => {
    listener.hard();
    await Promise.allSettled([running]);
    await input?.close();
  });

  const open = async (tls: Readonly<Record<string, unknown>> | undefined) => {
    const url = new URL(await amqpUrl());
    const parameters = {
      url: `amqps://${url.username}:${url.password}@127.0.0.1:${port}/`,
      exchanges: [exchange],
      topics: [topic],
      priorities: ['info'],
      tls,
    };
    input = await amqp.open(AmqpInputSchema.parse(parameters), { ...listener.context, baseDir: certificate.folder });
    running = listener.follow(input.run());
  };

  it('trusts the authority it is given, under the name it is given', async () => {
    await open({ ca_file: 'cert.pem', server_name: 'broker.test' });
    await listener.connected();

    await publish(exchange, `${topic}.info`, ['through TLS']);
    await listener.until(() => listener.deliveries.length === 1);

    expect(listener.bodies).toEqual(['through TLS']);
  });

  it('refuses a certificate it does not trust', async () => {
    await open(undefined);

    await expect(running).rejects.toMatchObject({ class: 'fatal', code: 'amqp_certificate' });
  });

  it('refuses a trusted certificate of another name', async () => {
    await open({ ca_file: 'cert.pem', server_name: 'other.test' });

    await expect(running).rejects.toMatchObject({ class: 'fatal', code: 'amqp_certificate' });
  });

  it('refuses to start when a file of the configuration is missing', async () => {
    await open({ ca_file: 'missing.pem' });

    await expect(running).rejects.toMatchObject({ class: 'fatal', code: 'unreadable_file' });
  });
});
