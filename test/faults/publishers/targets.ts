import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { removeTopology, takeAll } from '../../services/rabbitmq.ts';
import { unpack } from '../../services/unpack.ts';
import { amqpUrl, postgresUrl, prometheusUrl, pushgatewayUrl, redisUrl } from '../../services/with-services.ts';
import { file } from './file-target.ts';
import { gnocchi } from './gnocchi-target.ts';
import { HttpTarget } from './http-target.ts';
import { behindProxy, type HurtTarget, opened, timeout_ms } from './hurt-target.ts';
import { kafka } from './kafka-target.ts';

async function web(kind: string, path: string, more: Readonly<Record<string, unknown>>, pattern: RegExp): Promise<HurtTarget> {
  const target = new HttpTarget();
  await target.listen();
  const { proxy, url } = await behindProxy(`http://127.0.0.1:${target.port}${path}`);
  return {
    kind: 'form' in more ? `${kind} (${String(more['form'])})` : kind,
    proxy,
    open: (context) => opened(kind, { url: url.href, timeout_ms, ...more }, context),
    answerErrors: async () => {
      target.answering = 'error';
    },
    answerAgain: async () => {
      target.answering = 'ok';
    },
    ids: async () => target.bodies.flatMap((body) => [...body.matchAll(pattern)].map(([, id = '']) => id)),
    close: async () => {
      await proxy.close();
      await target.close();
    },
  };
}

async function postgres(): Promise<HurtTarget> {
  const { proxy, url } = await behindProxy(await postgresUrl());
  const table = `hurt_${randomUUID().replaceAll('-', '')}`;
  const client = new Client(await postgresUrl());
  await client.connect();
  return {
    kind: 'postgres',
    proxy,
    open: (context) => opened('postgres', { url: url.href, table, timeout_ms }, context),
    answerErrors: async () => {
      await client.query(
        `CREATE FUNCTION ${table}_f() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$ LANGUAGE plpgsql`,
      );
      await client.query(`CREATE TRIGGER t BEFORE INSERT ON ${table} EXECUTE FUNCTION ${table}_f()`);
    },
    answerAgain: async () => {
      await client.query(`DROP FUNCTION ${table}_f() CASCADE`);
    },
    ids: async () => (await client.query<{ id: string }>(`SELECT id FROM ${table}`)).rows.map(({ id }) => id),
    close: async () => {
      await client.query(`DROP TABLE IF EXISTS ${table}`);
      await client.end();
      await proxy.close();
    },
  };
}

async function redisStream(): Promise<HurtTarget> {
  const { proxy, url } = await behindProxy(await redisUrl());
  const stream = `hurt-${randomUUID()}`;
  const redis = new Redis(await redisUrl());
  return {
    kind: 'redis-stream',
    proxy,
    open: (context) => opened('redis-stream', { url: url.href, stream, timeout_ms }, context),
    answerErrors: async () => {
      await redis.config('SET', 'maxmemory', '1');
    },
    answerAgain: async () => {
      await redis.config('SET', 'maxmemory', '0');
    },
    ids: async () => (await redis.xrange(stream, '-', '+')).map(([, fields]) => fields[1] ?? ''),
    close: async () => {
      await redis.del(stream);
      redis.disconnect();
      await proxy.close();
    },
  };
}

async function amqp(): Promise<HurtTarget> {
  const { proxy, url } = await behindProxy(await amqpUrl());
  const [exchange, topic] = [`x-${randomUUID()}`, `t-${randomUUID()}`];
  return {
    kind: 'amqp',
    proxy,
    open: (context) =>
      opened('amqp', { url: url.href, exchange, topic, queue_durable: true, confirm_timeout_ms: timeout_ms }, context),
    ids: async () =>
      (await takeAll(`${topic}.sample`)).flatMap((body) =>
        [...body.slice(body.indexOf('payload')).matchAll(/\\"message_id\\":\\"([^"\\]+)\\"/g)].map(([, id = '']) => id),
      ),
    close: async () => {
      await removeTopology([exchange], [`${topic}.sample`]);
      await proxy.close();
    },
  };
}

async function prometheus(): Promise<HurtTarget> {
  const { proxy, url } = await behindProxy(`${await prometheusUrl()}/api/v1/write`);
  const region = `r${randomUUID()}`;
  return {
    kind: 'prometheus',
    proxy,
    open: (context) => opened('prometheus', { url: url.href, timeout_ms, labels: { region } }, context),
    ids: async () => {
      const query = encodeURIComponent(`last_over_time(hurt_meter{region="${region}"}[1h])`);
      const answer = (await (await fetch(`${await prometheusUrl()}/api/v1/query?query=${query}`)).json()) as {
        data: { result: { metric: { resource_id: string } }[] };
      };
      return answer.data.result.map(({ metric }) => metric.resource_id);
    },
    close: () => proxy.close(),
  };
}

async function pushgateway(): Promise<HurtTarget> {
  const job = `j${randomUUID()}`;
  const { proxy, url } = await behindProxy(`${await pushgatewayUrl()}/metrics/job/${job}`);
  return {
    kind: 'pushgateway',
    proxy,
    everyMs: 500,
    open: (context) => opened('pushgateway', { url: url.href, timeout_ms }, context),
    ids: async () => {
      const text = await (await fetch(`${await pushgatewayUrl()}/metrics`)).text();
      const ours = text.split('\n').filter((line) => line.startsWith('hurt_meter{') && line.includes(job));
      return ours.map((line) => /resource_id="([^"]+)"/.exec(line)?.[1] ?? '');
    },
    close: () => proxy.close(),
  };
}

async function tcp(): Promise<HurtTarget> {
  const ids: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 8 && bytes.length >= 8 + Number(bytes.readBigUInt64LE())) {
        const end = 8 + Number(bytes.readBigUInt64LE());
        ids.push((unpack(bytes.subarray(8, end)) as { message_id: string }).message_id);
        bytes = bytes.subarray(end);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { proxy, url } = await behindProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    kind: 'tcp',
    proxy,
    open: (context) => opened('tcp', { host: url.hostname, port: Number(url.port), timeout_ms }, context),
    // The wire itself resets: behind it a reset would arrive as an orderly end, which is a receipt.
    answerErrors: async () => proxy.refuse(true),
    answerAgain: async () => proxy.refuse(false),
    ids: async () => ids,
    close: async () => {
      await proxy.close();
      server.close();
    },
  };
}

export function openTargets(): Promise<readonly HurtTarget[]> {
  return Promise.all([
    web('http', '/in', {}, /"id":"([^"]+)"/g),
    web('otlp', '/v1/metrics', {}, /"key":"resource_id","value":\{"stringValue":"([^"]+)"/g),
    web('otlp', '/v1/metrics', { form: 'ceilometer' }, /"key":"resource_id","value":\{"string_value":"([^"]+)"/g),
    postgres(),
    redisStream(),
    amqp(),
    prometheus(),
    pushgateway(),
    tcp(),
    kafka(),
    gnocchi(),
    file(),
  ]);
}
