import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clusterKeys } from '../../src/coordination/redis/keys.ts';
import { signMail } from '../../src/coordination/redis/seals.ts';
import { ringOf, TestCluster } from '../services/redis-cluster.ts';
import { acceptedMailsContract } from './accepted-mails.contract.ts';

const bound = 2_000;

acceptedMailsContract('Redis, under the profile that we ship', async () => {
  const cluster = await TestCluster.start();
  return {
    bound,
    agent: async () => cluster.agent({ rememberedMails: bound }).coordination.mails,
    dispose: () => cluster.stop(),
  };
});

describe('accepted mails in Redis', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await TestCluster.start();
  });
  afterEach(() => cluster.stop());

  it('are still known when Redis was killed and is back', async () => {
    const { mails } = cluster.agent().coordination;
    await mails.remember(['one']);
    await cluster.restart();
    const another = cluster.agent().coordination.mails;

    expect(await another.accepted(['one', 'two'])).toEqual(new Set(['one']));
  });

  it('do not count when somebody without our key wrote them, or moved the seal of another', async () => {
    const agent = cluster.agent();
    const { mails } = agent.coordination;
    await mails.remember(['one']);
    const table = clusterKeys(cluster.name).mails;
    const { clusterId = '' } = (await cluster.control.read()) ?? {};
    const { kid, mac } = signMail(ringOf('k2', 'k2'), clusterId, 'two');
    const seal = await cluster.redis.admin('HGET', table, 'one');
    await cluster.redis.admin('HSET', table, 'two', `${kid} ${mac}`, 'three', String(seal), 'four', '');

    expect(await mails.accepted(['one', 'two', 'three', 'four'])).toEqual(new Set(['one']));
    expect(agent.coordination.rejected).toEqual({ unknown_key: 1, bad_signature: 1 });
  });

  it('throw a Fault when Redis is away', async () => {
    const { mails } = cluster.agent().coordination;
    await mails.remember(['one']);
    await cluster.redis.down();

    await expect(mails.accepted(['one'])).rejects.toMatchObject({ class: 'retryable' });
    await expect(mails.remember(['two'])).rejects.toMatchObject({ class: 'retryable' });
    await cluster.redis.up();
  });
});
