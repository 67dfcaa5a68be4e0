import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { Float } from '../../src/model/json.ts';
import { makeBatch } from '../../src/pipeline/batch.ts';
import { postgres } from '../../src/publishers/postgres/index.ts';
import { PostgresSchema } from '../../src/publishers/postgres/schema.ts';
import { prometheus } from '../../src/publishers/prometheus/index.ts';
import { PrometheusSchema } from '../../src/publishers/prometheus/schema.ts';
import type { PartialFault } from '../../src/publishers/publisher.ts';
import { pushgateway } from '../../src/publishers/pushgateway/index.ts';
import { PushgatewaySchema } from '../../src/publishers/pushgateway/schema.ts';
import { redisStream } from '../../src/publishers/redis-stream/index.ts';
import { RedisStreamSchema } from '../../src/publishers/redis-stream/schema.ts';
import { codec, publisherContract, sample } from '../contract/publisher.contract.ts';
import { startProxy } from '../services/tcp-proxy.ts';
import { postgresUrl, prometheusUrl, pushgatewayUrl, redisUrl } from '../services/with-services.ts';

const context = { name: 'target', sink: 'sink', kind: 'samples', clock: systemClock, random: Math.random, baseDir: '/' } as const;
const never = new AbortController().signal;

async function proxied(text: string) {
  const url = new URL(text);
  const proxy = await startProxy({ host: url.hostname, port: Number(url.port) });
  url.host = `127.0.0.1:${proxy.port}`;
  return {
    proxy,
    url: url.href,
    fail: async () => {
      proxy.refuse(true);
      proxy.cut();
    },
    heal: async () => proxy.refuse(false),
  };
}

publisherContract(
  'redis-stream',
  async () => {
    const { proxy, url, fail, heal } = await proxied(await redisUrl());
    const stream = `stream-${randomUUID()}`;
    const redis = new Redis(await redisUrl());
    const open = (where: string) => redisStream.open(RedisStreamSchema.parse({ url: where, stream, timeout_ms: 2_000 }), context);
    return {
      open: () => open(url),
      arrived: async () =>
        (await redis.xrange(stream, '-', '+')).map(([, [, id = '', , item = '']]) => ({
          id,
          volume: /"volume":([^,]+),/.exec(item)?.[1] ?? '',
        })),
      leavesOutRepetitions: false,
      fail,
      heal,
      openNowhere: () => open('redis://127.0.0.1:1'),
      close: async () => {
        await redis.del(stream);
        redis.disconnect();
        await proxy.close();
      },
    };
  },
  { refuses: false, fails: true, hasIds: false },
);

publisherContract(
  'postgres',
  async () => {
    const { proxy, url, fail, heal } = await proxied(await postgresUrl());
    const table = `samples_${randomUUID().replaceAll('-', '')}`;
    const client = new Client(await postgresUrl());
    await client.connect();
    const open = (where: string) => postgres.open(PostgresSchema.parse({ url: where, table, timeout_ms: 2_000 }), context);
    return {
      open: () => open(url),
      // In the order in which they stand on disk, which is that of their arrival while nothing is deleted.
      arrived: async () => {
        const there = await client.query('SELECT to_regclass($1) AS there', [table]);
        if (there.rows[0].there === null) return [];
        const found = await client.query<{ id: string; volume: string }>(`SELECT id, volume::text FROM ${table} ORDER BY ctid`);
        return found.rows;
      },
      leavesOutRepetitions: true,
      fail,
      heal,
      openNowhere: () => open('postgresql://tester@127.0.0.1:1/postgres'),
      close: async () => {
        await client.query(`DROP TABLE IF EXISTS ${table}`);
        await client.end();
        await proxy.close();
      },
    };
  },
  { refuses: false, fails: true, hasIds: false },
);

describe('the postgres publisher', () => {
  let client: Client;
  let url: string;
  const table = `t_${randomUUID().replaceAll('-', '')}`;

  beforeAll(async () => {
    url = await postgresUrl();
    client = new Client(url);
    await client.connect();
  });
  afterAll(async () => {
    await client.query(`DROP TABLE IF EXISTS ${table}, ${table}_e`);
    await client.end();
  });

  it('fills every column, and finds what is asked for by its metadata', async () => {
    const publisher = await postgres.open(PostgresSchema.parse({ url, table }), context);
    await publisher.publish(
      makeBatch([{ ...sample('x', new Float(2)), user_id: 'u', monotonic_time: 1.5 }], codec, false),
      never,
    );
    await publisher.close();

    const { rows } = await client.query(`SELECT * FROM ${table} WHERE resource_metadata @> '{"a":{"z":1}}' AND id = 'x'`);
    expect(rows).toEqual([
      {
        id: 'x',
        source: 'openstack',
        name: 'cpu',
        type: 'gauge',
        unit: '%',
        volume: '2.0',
        user_id: 'u',
        user_name: null,
        project_id: 'p',
        project_name: null,
        resource_id: 'r\nü"',
        timestamp: new Date('2026-01-01T00:00:00Z'),
        resource_metadata: { a: { z: 1 } },
        monotonic_time: '1.5',
      },
    ]);
  });

  it('keeps events with their traits by name', async () => {
    const publisher = await postgres.open(PostgresSchema.parse({ url, table: `${table}_e` }), { ...context, kind: 'events' });
    const event = {
      message_id: 'm',
      event_type: 'x.y',
      generated: '2026-01-01T00:00:00.250000',
      traits: [
        ['host', 1, 'h'],
        ['n', 2, 3],
      ],
      raw: {},
    } as const;
    await publisher.publish(makeBatch([event], codec, false), never);
    await publisher.publish(makeBatch([event], codec, true), never);
    await publisher.close();

    const { rows } = await client.query(
      `SELECT message_id, generated, traits->>'host' AS host, traits->'n' AS n FROM ${table}_e`,
    );
    expect(rows).toEqual([{ message_id: 'm', generated: new Date('2026-01-01T00:00:00.250Z'), host: 'h', n: 3 }]);
  });

  it.each([
    ['a NUL, which PostgreSQL has no place for', { ...sample('nul'), resource_id: 'a\0b' }, 'poison'],
    ['no number', { ...sample('volume'), volume: 'many' }, 'poison'],
  ])('refuses for ever what has %s, and goes on', async (_, item, faultClass) => {
    const publisher = await postgres.open(PostgresSchema.parse({ url, table }), context);

    await expect(publisher.publish(makeBatch([item], codec, false), never)).rejects.toMatchObject({ class: faultClass });
    await publisher.publish(makeBatch([sample(randomUUID())], codec, false), never);
    await publisher.close();
  });

  it('takes no word for a time, though PostgreSQL knows some', async () => {
    const publisher = await postgres.open(PostgresSchema.parse({ url, table }), context);
    const batch = makeBatch([{ ...sample('word'), timestamp: 'yesterday' }, sample('neighbour')], codec, false);

    const fault = await publisher.publish(batch, never).catch((error: unknown) => error);
    await publisher.close();

    expect([...(fault as PartialFault).failed.keys()]).toEqual([0]);
    expect((await client.query(`SELECT id FROM ${table} WHERE id IN ('word', 'neighbour')`)).rows).toEqual([{ id: 'neighbour' }]);
  });

  it('waits where an operator must help', async () => {
    const without = await postgres.open(PostgresSchema.parse({ url, table: 'not_there', create_table: false }), context);

    await expect(without.publish(makeBatch([sample('a')], codec, false), never)).rejects.toMatchObject({ class: 'retryable' });
    await expect(without.probe(never)).rejects.toMatchObject({ code: 'postgres_no_table' });
    await without.close();
  });
});

describe('the redis-stream publisher', () => {
  it('says with a probe that the key holds something else', async () => {
    const url = await redisUrl();
    const redis = new Redis(url);
    const key = randomUUID();
    await redis.set(key, 'x');
    const publisher = await redisStream.open(RedisStreamSchema.parse({ url, stream: key }), context);

    await expect(publisher.probe(never)).rejects.toMatchObject({ code: 'redis_wrong_type' });
    await expect(publisher.publish(makeBatch([sample('a')], codec, false), never)).rejects.toMatchObject({ class: 'retryable' });
    await publisher.close();
    await redis.del(key);
    redis.disconnect();
  });
});

describe('the prometheus publisher', () => {
  const now = Date.now();
  const point = (id: string, resource: string, volume: number, secondsAgo: number) => ({
    ...sample(id, volume),
    name: 'cpu.util-x',
    resource_id: resource,
    timestamp: new Date(now - secondsAgo * 1000).toISOString(),
  });
  const query = async (what: string): Promise<unknown> => {
    const answer = await fetch(`${await prometheusUrl()}/api/v1/query?query=${encodeURIComponent(what)}`);
    return ((await answer.json()) as { data: { result: unknown } }).data.result;
  };

  it('writes series with their own times; a batch that comes again changes nothing', async () => {
    const url = `${await prometheusUrl()}/api/v1/write`;
    const publisher = await prometheus.open(PrometheusSchema.parse({ url, labels: { region: 'here' } }), context);
    const resource = randomUUID();
    const batch = makeBatch(
      [point('a', resource, 1, 20), point('b', resource, 2.5, 10), point('c', `${resource}-2`, 7, 5)],
      codec,
      false,
    );

    await publisher.probe(never);
    await publisher.publish(batch, never);
    await publisher.publish(makeBatch([point('c', `${resource}-2`, 7, 5)], codec, true), never);
    await publisher.close();

    expect(await query(`cpu_util_x{resource_id="${resource}"}[1m]`)).toMatchObject([
      {
        metric: { __name__: 'cpu_util_x', region: 'here', project_id: 'p', resource_id: resource },
        values: [
          [(now - 20_000) / 1000, '1'],
          [(now - 10_000) / 1000, '2.5'],
        ],
      },
    ]);
    expect(await query(`count_over_time(cpu_util_x{resource_id="${resource}-2"}[1m])`)).toMatchObject([
      { value: [expect.anything(), '1'] },
    ]);
  });

  it('calls poison what Prometheus will never take', async () => {
    const url = `${await prometheusUrl()}/api/v1/write`;
    const publisher = await prometheus.open(PrometheusSchema.parse({ url }), context);
    const resource = randomUUID();
    await publisher.publish(makeBatch([point('a', resource, 1, 10)], codec, false), never);

    await expect(publisher.publish(makeBatch([point('b', resource, 1, 30)], codec, false), never)).rejects.toMatchObject({
      class: 'poison',
      message: expect.stringContaining('out of order'),
    });
    await publisher.close();
  });
});

describe('the pushgateway publisher', () => {
  it('keeps the newest value of each series, a group for each resource', async () => {
    const base = await pushgatewayUrl();
    const job = `job-${randomUUID()}`;
    const publisher = await pushgateway.open(PushgatewaySchema.parse({ url: `${base}/metrics/job/${job}` }), context);
    const of = (id: string, resource: string, name: string, volume: number) => ({
      ...sample(id, volume),
      name,
      resource_id: resource,
    });

    await publisher.probe(never);
    await publisher.publish(
      makeBatch(
        [of('a', 'r1', 'cpu.x', 1), of('b', 'r1', 'mem', 2), of('c', 'r2', 'cpu.x', 3), of('d', 'a/b', 'cpu.x', 4)],
        codec,
        false,
      ),
      never,
    );
    await publisher.publish(makeBatch([of('e', 'r1', 'cpu.x', 5)], codec, false), never);
    await publisher.close();

    const text = await (await fetch(`${base}/metrics`)).text();
    const ours = text.split('\n').filter((line) => line.includes(job) && !line.startsWith('push_'));
    const value = (name: string, resource: string) =>
      ours
        .find((line) => line.startsWith(`${name}{`) && line.includes(`resource_id="${resource}"`))
        ?.split(' ')
        .at(-1);
    expect([value('cpu_x', 'r1'), value('mem', 'r1'), value('cpu_x', 'r2'), value('cpu_x', 'a/b')]).toEqual(['5', '2', '3', '4']);
  });
});
