import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRedis } from '../../src/coordination/redis/open-redis.ts';
import { type Agent, acquired, bob, commitOf, inTheEnd, loaded, ringOf, TestCluster, unit } from '../services/redis-cluster.ts';
import { SentinelRig } from '../services/redis-sentinels.ts';

const dead = '127.0.0.1:1';

describe('a Redis that sentinels watch', () => {
  let cluster: TestCluster;
  let rig: SentinelRig;
  let agent: Agent;

  beforeEach(async () => {
    cluster = await TestCluster.start();
    rig = await SentinelRig.start(cluster.redis);
    await rig.replica.addUser(cluster.name, cluster.user, cluster.password);
    agent = cluster.agent({ url: rig.url, sentinels: { hosts: [dead, ...rig.hosts] } });
  });
  afterEach(async () => {
    await rig.stop();
    await cluster.stop();
  });

  it('is found through the first sentinel that answers, and never called strict', async () => {
    const token = await acquired(agent);

    expect(await agent.store.commit(token, commitOf(0))).toEqual({ kind: 'ok', version: 1 });
    expect(await agent.coordination.durability()).toMatchObject({ mode: 'fast', appendfsync: 'always', replicas: null });
    await rig.primary.admin('CONFIG', 'SET', 'min-replicas-to-write', '1');
    expect(await agent.coordination.durability()).toMatchObject({ mode: 'standard', replicas: 1 });
  });

  it('goes on as the promoted replica when its primary is killed: nothing that was answered is missing', async () => {
    const token = await acquired(agent);
    await agent.store.commit(token, commitOf(0));
    await rig.inStep();

    await rig.primary.down('SIGKILL');
    const next = await inTheEnd(() => acquired(agent, bob));

    expect(next.incarnation).toBe(2);
    expect(next.epoch).toBeGreaterThan(token.epoch);
    expect(await loaded(agent, next)).toMatchObject({ version: 1, state: { key: '1' } });
    expect(await agent.store.commit(next, commitOf(1))).toEqual({ kind: 'ok', version: 2 });
    expect(agent.events.map(({ kind }) => kind)).not.toContain('went-back');
  });

  it('tells what is lost when the promoted replica was behind', async () => {
    const token = await acquired(agent);
    await agent.store.commit(token, commitOf(0));
    await rig.inStep();
    rig.wire.freeze();
    await agent.store.commit(token, commitOf(1));
    await agent.store.commit(token, commitOf(2));

    await rig.primary.down('SIGKILL');
    rig.wire.cut();
    const fenced = await inTheEnd(() => agent.store.commit(token, commitOf(3)));

    expect(fenced).toEqual({ kind: 'fenced' });
    expect(agent.events).toContainEqual({ kind: 'went-back', unit, answered: 3, found: 1 });
  });

  it('is left, while it lives and answers, when the sentinels name another one', async () => {
    await acquired(agent);
    await rig.inStep();

    await rig.failOver();
    await rig.promoted();
    const before = agent.events.length;
    await inTheEnd(async () => {
      await agent.group.heartbeat({ ...bob, weight: 1, protocol: 1, build: 'test', host: 'here', pid: 1, facts: {} }, 1_000);
      if (agent.events.length === before) throw Object.assign(new Error('still there'), { class: 'retryable' });
    });

    expect(agent.events.at(-1)).toMatchObject({ kind: 'recovered', incarnation: 2, lost: false });
  });

  it('is asked for by a name that they know: else the message says what to check', async () => {
    const lost = openRedis({
      url: 'redis://nobody/0',
      sentinels: { hosts: rig.hosts },
      cluster: 'test',
      ring: ringOf('k1', 'k1'),
      control: null,
    });

    await expect(lost.group.readPlan()).rejects.toMatchObject({
      class: 'retryable',
      code: 'redis_no_primary',
      message: expect.stringMatching(/"nobody" \(127.0.0.1:\d+ knows no primary of that name\) → check `sentinels.hosts`/),
    });
    await lost.close();
  });
});
