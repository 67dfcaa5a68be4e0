import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRedis } from '../../src/coordination/redis/open-redis.ts';
import { PrivateRedis } from '../services/redis.ts';
import { ringOf } from '../services/redis-cluster.ts';

describe('a node of a Redis Cluster', () => {
  let redis: PrivateRedis;
  let admin: Redis;

  beforeEach(async () => {
    redis = await PrivateRedis.start(['--cluster-enabled', 'yes']);
    admin = new Redis(redis.url);
  });
  afterEach(async () => {
    admin.disconnect();
    await redis.stop();
  });

  it.each([
    ['has no slots', async () => {}],
    ['has all slots', async () => void (await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383'))],
  ])('is refused with the remedy when it %s, and nothing is written there', async (_, prepare) => {
    await prepare();
    const coordination = openRedis({ url: redis.url, cluster: 'test', ring: ringOf('k1', 'k1'), control: null });

    const refused = await coordination.group.readPlan().catch((error: unknown) => error);

    expect(refused).toMatchObject({
      class: 'retryable',
      code: 'redis_cluster',
      message: expect.stringContaining('give the agents a Redis of their own'),
    });
    expect(await admin.dbsize()).toBe(0);
    await coordination.close();
  });
});
