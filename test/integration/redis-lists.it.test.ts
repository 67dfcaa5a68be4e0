import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery, Input, InputEvent } from '../../src/inputs/input.ts';
import { redisLists } from '../../src/inputs/redis-lists/index.ts';
import { RedisListsSchema } from '../../src/inputs/redis-lists/schema.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { PrivateRedis } from '../services/redis.ts';

let redis: PrivateRedis;
let input: Input;
let running: Promise<void>;
let soft: AbortController;
let reports: { host: string; service: string; data?: unknown }[];
let events: InputEvent['kind'][];

beforeEach(async () => {
  redis = await PrivateRedis.start();
  soft = new AbortController();
  [reports, events] = [[], []];
  await redis.admin('RPUSH', 'StatusData_web1_uptime_latest', '[null,1]');
  await redis.admin('RPUSH', 'StatusData_web1_disk_usage_latest', '[{"load":1},1]');
  await redis.admin('SET', 'StatusData_web2_uptime_latest', 'no list');
  input = await redisLists.open(RedisListsSchema.parse({ url: redis.url, poll_ms: 500, discover_ms: 1_000 }), {
    name: 'lists',
    clock: systemClock,
    random: Math.random,
    soft: soft.signal,
    hard: new AbortController().signal,
    deliver: async (deliveries: readonly Delivery[]) => {
      for (const { body, settle } of deliveries) {
        reports.push(...JSON.parse(new TextDecoder().decode(body)).payload.reports);
        settle();
      }
    },
    report: ({ kind }) => events.push(kind),
  });
  running = input.run();
  await expect.poll(() => events, { timeout: 10_000 }).toEqual(['connected']);
});

afterEach(async () => {
  soft.abort();
  await running;
  await input.close();
  await redis.stop();
});

describe('lists in Redis', () => {
  it('report when their newest element has another time than before, and not for what they held at first', async () => {
    await redis.admin('RPUSH', 'StatusData_web1_disk_usage_latest', '[{"load":2},31.5]');
    await expect.poll(() => reports, { timeout: 10_000 }).toEqual([{ host: 'web1', service: 'disk_usage', data: { load: 2 } }]);

    await redis.admin('RPUSH', 'StatusData_web1_uptime_latest', '[null,61]');
    await expect.poll(() => reports.length, { timeout: 10_000 }).toBe(2);

    expect(reports[1]).toEqual({ host: 'web1', service: 'uptime' });
    expect(await input.sendCanary(new Uint8Array())).toBe(false);
  });

  it('that are new are found', async () => {
    await redis.admin('RPUSH', 'StatusData_web3_uptime_latest', '[{},1]');
    await systemClock.sleep(2_000);
    await redis.admin('RPUSH', 'StatusData_web3_uptime_latest', '[{},2]');

    await expect.poll(() => reports, { timeout: 10_000 }).toEqual([{ host: 'web3', service: 'uptime', data: {} }]);
  });

  it('let no canary stand in for them while Redis is away, and go on when it is back', async () => {
    await redis.down();
    await expect.poll(() => events, { timeout: 10_000 }).toContain('disconnected');
    expect(await input.sendCanary(new Uint8Array())).toBe(true);

    await redis.up();
    await expect.poll(() => events.at(-1), { timeout: 20_000 }).toBe('connected');
    await redis.admin('RPUSH', 'StatusData_web1_uptime_latest', '[null,99]');
    await expect.poll(() => reports.length, { timeout: 10_000 }).toBe(1);
  });
});
