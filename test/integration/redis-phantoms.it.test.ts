import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clusterKeys } from '../../src/coordination/redis/keys.ts';
import type { RejectReason } from '../../src/coordination/redis/rejections.ts';
import { signMember } from '../../src/coordination/redis/seals.ts';
import type { KeyRing } from '../../src/lib/key-ring.ts';
import {
  type Agent,
  acquired,
  alice,
  bob,
  commitOf,
  longMs,
  memberOf,
  ringOf,
  TestCluster,
  unit,
} from '../services/redis-cluster.ts';

const mallory = { agent: 'mallory', boot: 'm-1' };

describe('an agent that is none of ours', () => {
  let cluster: TestCluster;
  let agent: Agent;
  let admin: TestCluster['redis']['admin'];
  let clusterId: string;

  beforeEach(async () => {
    cluster = await TestCluster.start();
    agent = cluster.agent();
    await agent.group.heartbeat(memberOf(alice), longMs);
    admin = (...args) => cluster.redis.admin(...args);
    clusterId = (await cluster.control.read())?.clusterId ?? '';
  });
  afterEach(() => cluster.stop());

  const keys = () => clusterKeys(cluster.name);
  const now = () => agent.group.time();
  const everything = async () => ({
    meta: (await admin('HMGET', keys().meta, 'clusterId', 'inc', 'run', 'floor', 'mac')) as unknown,
    members: await admin('HGETALL', keys().members),
    plan: await admin('HGETALL', keys().plan),
    lease: await admin('HGETALL', keys().lease(unit)),
    head: await admin('HGETALL', keys().part(unit, 'head')),
    state: await admin('HGETALL', keys().part(unit, 'state')),
  });

  const plant = async (ring: KeyRing, change: object = {}, field = JSON.stringify([mallory.agent, mallory.boot])) => {
    const at = await now();
    const record = { cluster: clusterId, incarnation: 1, seq: at, at, ttlMs: longMs, member: memberOf(mallory), ...change };
    await admin('HSET', keys().members, field, `${at} ${longMs}\n${signMember(ring, record)}`);
  };

  it.each([
    ['has another key under a name of ours', strange(ringOf('k1', 'k1'))],
    ['has a key that nobody here knows', ringOf('k9', 'k9')],
  ])('can do nothing through our own code when it %s', async (_, ring) => {
    await agent.group.commitPlan(0, { [unit]: 'alice' });
    const token = await acquired(agent);
    await agent.store.commit(token, commitOf(0));
    const before = await everything();
    const phantom = cluster.agent({ ring, control: null });

    for (const call of [
      () => phantom.group.heartbeat(memberOf(mallory), longMs),
      () => phantom.group.members(),
      () => phantom.group.readPlan(),
      () => phantom.group.commitPlan(1, { [unit]: 'mallory' }),
      () => phantom.group.acquire(mallory, unit, 9, longMs),
      () => phantom.store.commit(token, commitOf(1)),
      () => phantom.store.load(token, () => undefined),
      () => phantom.group.proposeLayout('sink', { generation: 1, partitions: 1, partitionBy: [], uuid: 'x' }),
    ] as readonly (() => Promise<unknown>)[])
      await expect(call()).rejects.toMatchObject({ class: 'retryable', code: 'redis_stranger' });

    expect(await everything()).toEqual(before);
  });

  it.each<[string, () => Promise<void>, RejectReason]>([
    ['has no key at all', async () => void (await admin('HSET', keys().members, 'm', '1 1\n{"agent":"mallory"}')), 'malformed'],
    ['is a heap of bytes', async () => void (await admin('HSET', keys().members, 'm', '\u0000')), 'malformed'],
    ['signs with a key nobody knows', () => plant(ringOf('k9', 'k9')), 'unknown_key'],
    ['signs with another key under our name', () => plant(strange(ringOf('k1', 'k1'))), 'bad_signature'],
    ['comes from another cluster with the same keys', () => plant(ringOf('k1', 'k1'), { cluster: 'theirs' }), 'wrong_cluster'],
    ['comes from an earlier incarnation', () => plant(ringOf('k1', 'k1'), { incarnation: 0 }), 'other_incarnation'],
    ['stands under the name of another', () => plant(ringOf('k1', 'k1'), {}, '["eve","e-1"]'), 'replayed'],
  ])('does not exist when its record %s, and is counted and told of once', async (_, forge, reason) => {
    await forge();

    for (let i = 0; i < 3; i++) expect(await agent.group.members()).toEqual([memberOf(alice)]);

    expect(agent.coordination.rejected).toEqual({ [reason]: 1 });
    expect(agent.events.filter(({ kind }) => kind === 'rejected')).toMatchObject([{ what: 'member', reason }]);
  });

  it('is counted again with each new record, and told of once', async () => {
    for (let i = 0; i < 3; i++) {
      await plant(ringOf('k9', 'k9'), { seq: i });
      await agent.group.members();
    }

    expect(agent.coordination.rejected).toEqual({ unknown_key: 3 });
    expect(agent.events.filter(({ kind }) => kind === 'rejected')).toHaveLength(1);
  });

  it('brings nobody back with a copy of an earlier record', async () => {
    const field = JSON.stringify([alice.agent, alice.boot]);
    const earlier = String(await admin('HGET', keys().members, field));
    await agent.group.heartbeat({ ...memberOf(alice), weight: 2 }, longMs);
    await agent.group.members();

    await admin('HSET', keys().members, field, earlier);

    expect(await agent.group.members()).toEqual([]);
    expect(agent.coordination.rejected).toEqual({ replayed: 1 });
    await agent.group.heartbeat({ ...memberOf(alice), weight: 3 }, longMs);
    expect(await agent.group.members()).toEqual([{ ...memberOf(alice), weight: 3 }]);
  });

  it('keeps nobody alive with a copy of the last record', async () => {
    const field = JSON.stringify([bob.agent, bob.boot]);
    await agent.group.heartbeat(memberOf(bob), 50);
    const [, last] = String(await admin('HGET', keys().members, field)).split(/\n(.*)/s);
    await admin('HSET', keys().members, field, `${await now()} 3600000\n${last}`);
    const end = (await now()) + 60;
    while ((await now()) < end);

    expect(await agent.group.members()).toEqual([memberOf(alice)]);
  });

  it('makes no plan: one that nobody of us signed is empty, but the next must be above it', async () => {
    await agent.group.commitPlan(0, { [unit]: 'alice' });

    await admin(
      'HSET',
      keys().plan,
      'ver',
      '7',
      'owners',
      JSON.stringify({ [unit]: 'mallory' }),
      'kid',
      'k1',
      'mac',
      'f'.repeat(64),
    );

    expect(await agent.group.readPlan()).toEqual({ version: 7, owners: {} });
    expect(agent.coordination.rejected).toEqual({ bad_signature: 1 });
    expect(await agent.group.commitPlan(1, {})).toBe(false);
    expect(await agent.group.commitPlan(7, { [unit]: 'bob' })).toBe(true);
    expect(await agent.group.readPlan()).toEqual({ version: 8, owners: { [unit]: 'bob' } });
  });

  it('changes no plan by moving its version', async () => {
    await agent.group.commitPlan(0, { [unit]: 'alice' });

    await admin('HSET', keys().plan, 'ver', '99');

    expect(await agent.group.readPlan()).toEqual({ version: 99, owners: {} });
  });

  it('holds nothing: a lease with a bad code is taken at once, above its epoch', async () => {
    await acquired(agent);
    const forged = [
      'agent',
      'mallory',
      'boot',
      'm-1',
      'epoch',
      '70',
      'inc',
      '1',
      'plan',
      '99',
      'exp',
      String((await now()) + longMs),
    ];
    await admin('HSET', keys().lease(unit), ...forged);

    expect(await agent.group.leases()).toEqual([{ unit, agent: null, boot: null, epoch: 70, expiresInMs: 0 }]);
    const token = await acquired(agent, bob);

    expect(token.epoch).toBe(71);
    expect(agent.coordination.rejected).toEqual({ bad_signature: 1 });
    expect(await agent.group.leases()).toMatchObject([{ agent: 'bob', epoch: 71 }]);
  });

  it('gives its lease to one of us, however many take it at once', async () => {
    for (let round = 0; round < 5; round++) {
      const name = `${unit}${round}`;
      const forged = ['agent', 'mallory', 'boot', 'm-1', 'epoch', '70', 'inc', '1', 'exp', String((await now()) + longMs)];
      await admin('HSET', keys().lease(name), ...forged);
      const agents = Array.from({ length: 4 }, () => cluster.agent());
      await Promise.all(agents.map((each) => each.group.members()));

      const results = await Promise.all(
        agents.map((each, i) => each.group.acquire({ agent: `a${i}`, boot: 'b' }, name, 1, longMs)),
      );

      expect(results.map(({ kind }) => kind).sort()).toEqual(['acquired', 'held', 'held', 'held']);
    }
  });

  it('turns back no epoch: a lease forged below what we know is taken above that', async () => {
    for (let i = 0; i < 4; i++) await acquired(agent);
    await admin('HSET', keys().lease(unit), 'agent', 'mallory', 'epoch', '1', 'kid', 'k9');

    expect((await acquired(agent, bob)).epoch).toBe(5);
  });

  it('does not live on in a lease that was signed for another unit', async () => {
    await acquired(agent);
    const copied = (await admin('HGETALL', keys().lease(unit))) as readonly string[];
    await admin('HSET', keys().lease(`${unit}9`), ...copied);

    expect((await agent.group.acquire(bob, `${unit}9`, 1, longMs)).kind).toBe('acquired');
  });

  it('is not made of us while keys change: accept, sign, drop', async () => {
    const others = cluster.agent({ ring: ringOf('k1', 'k1', 'k2') });
    const switched = cluster.agent({ ring: ringOf('k2', 'k1', 'k2') });
    await others.group.heartbeat(memberOf(bob), longMs);
    expect(await agent.group.members()).toEqual([memberOf(alice), memberOf(bob)]);

    await switched.group.heartbeat(memberOf(bob), longMs);
    const token = await acquired(switched, bob);
    await switched.group.commitPlan(0, { [unit]: 'bob' });
    const last = cluster.agent({ ring: ringOf('k2', 'k2') });

    expect(await last.group.members()).toEqual([memberOf(bob)]);
    expect(last.coordination.rejected).toEqual({ unknown_key: 1 });
    expect(await last.group.readPlan()).toEqual({ version: 1, owners: { [unit]: 'bob' } });
    expect(await others.group.acquire(alice, unit, 1, longMs)).toMatchObject({ kind: 'held', by: 'bob' });
    expect(await last.store.commit(token, commitOf(0))).toMatchObject({ kind: 'ok' });
    await expect(cluster.agent().group.members()).rejects.toMatchObject({ code: 'redis_stranger' });
  });
});

/** Signs as if it had our keys, and knows what we sign. */
function strange(ring: KeyRing): KeyRing {
  return {
    ...ring,
    sign: (...parts) => ({ kid: ring.active, mac: ring.sign('forged', ...parts).mac }),
    verify: () => false,
  };
}
