import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { until } from '../contract/world.ts';
import {
  type Agent,
  acquired,
  alice,
  bob,
  commitOf,
  inTheEnd,
  loaded,
  memberOf,
  TestCluster,
  unit,
} from '../services/redis-cluster.ts';

const layout = { generation: 1, partitions: 4, partitionBy: ['resource_id'], uuid: 'first' };

describe('a Redis that stops, goes back or forgets', () => {
  let cluster: TestCluster;
  let agent: Agent;

  beforeEach(async () => {
    cluster = await TestCluster.start();
    agent = cluster.agent();
  });
  afterEach(() => cluster.stop());

  it('is founded once, however many agents come at once', async () => {
    const agents = Array.from({ length: 8 }, () => cluster.agent());

    await Promise.all(agents.map((each, i) => each.group.heartbeat(memberOf({ agent: `a${i}`, boot: 'b' }), 60_000)));

    expect(agents.flatMap(({ events }) => events.filter(({ kind }) => kind === 'founded'))).toHaveLength(1);
    expect(await agent.group.members()).toHaveLength(8);
    expect(await cluster.control.read()).toMatchObject({ incarnation: 1, epochFloor: 0 });
  });

  it('may be founded again when its founder died between bus and Redis', async () => {
    await cluster.control.update(() => ({ clusterId: 'begun', incarnation: 0, epochFloor: 0, layouts: {} }));

    const token = await acquired(agent);

    expect(token.incarnation).toBe(1);
    expect(await cluster.control.read()).toMatchObject({ clusterId: 'begun', incarnation: 1 });
  });

  it('is believed by nobody after a kill until its incarnation was raised; then work goes on with higher epochs', async () => {
    const token = await acquired(agent);
    await agent.store.commit(token, commitOf(0));
    const sleeper = cluster.agent();
    await sleeper.group.members();

    await cluster.restart('SIGKILL');
    const zombie = await inTheEnd(() => sleeper.store.commit(token, commitOf(1)));
    const lost = await sleeper.group.renew([token], 60_000);
    const unowned = await sleeper.group.leases();
    const next = await inTheEnd(() => acquired(agent, bob));

    expect(zombie).toEqual({ kind: 'fenced' });
    expect(lost).toEqual([token]);
    expect(unowned).toMatchObject([{ agent: null, expiresInMs: 0 }]);
    expect(next.incarnation).toBe(2);
    expect(next.epoch).toBeGreaterThan(token.epoch + 1_000);
    expect(await loaded(agent, next)).toMatchObject({ version: 1, state: { key: '1' } });
    expect(await agent.store.commit(next, commitOf(1))).toEqual({ kind: 'ok', version: 2 });
    expect(await cluster.control.read()).toMatchObject({ incarnation: 2, epochFloor: token.epoch + 1_000 });
  });

  it('changes nothing before it is recovered, whatever script comes', async () => {
    const token = await acquired(agent);
    await agent.store.commit(token, commitOf(0));
    await cluster.restart();
    cluster.control.beforeWrite = () => {
      throw Object.assign(new Error('the bus is away'), { code: 'ECONNREFUSED' });
    };
    const dump = async () => [
      await cluster.redis.admin('HGETALL', `{${cluster.name}}:lease:${unit}`),
      await cluster.redis.admin('HGETALL', `{${cluster.name}}:unit:${unit}:head`),
      await cluster.redis.admin('HGETALL', `{${cluster.name}}:plan`),
    ];
    const before = await dump();

    const calls: readonly (() => Promise<unknown>)[] = [
      () => agent.store.commit(token, commitOf(1)),
      () => agent.store.noteStart(token, ''),
      () => agent.store.clearOutbox(token, 'out', 9),
      () => agent.group.acquire(bob, unit, 1, 1000),
      () => agent.group.renew([token], 1000),
      () => agent.group.release(token),
      () => agent.group.commitPlan(0, { [unit]: 'bob' }),
      () => agent.group.heartbeat(memberOf(alice), 1000),
    ];
    for (const call of calls) await expect(inTheEndOfConnecting(call)).rejects.toThrow('the bus is away');

    expect(await dump()).toEqual(before);
  });

  it('is recovered by one of many, and the others go on with what that one made of it', async () => {
    const agents = Array.from({ length: 6 }, () => cluster.agent());
    await Promise.all(agents.map((each) => each.group.members()));

    await cluster.restart();
    await Promise.all(agents.map((each, i) => inTheEnd(() => acquired(each, bob, `${unit}${i}`))));

    expect(agents.flatMap(({ events }) => events.filter(({ kind }) => kind === 'recovered'))).toHaveLength(1);
    expect(await cluster.control.read()).toMatchObject({ incarnation: 2 });
  });

  it('is recovered by the next one when the first dies after it raised the record on the bus', async () => {
    const token = await acquired(agent);
    await cluster.restart();
    const dying = cluster.agent({
      control: {
        read: () => cluster.control.read(),
        update: async (change) => {
          await cluster.control.update(change);
          throw Object.assign(new Error('died'), { code: 'ECONNRESET' });
        },
        close: async () => undefined,
      },
    });
    await expect(inTheEndOfConnecting(() => dying.group.members())).rejects.toThrow('died');

    const next = await inTheEnd(() => acquired(agent, bob));

    expect(next.incarnation).toBe(3);
    expect(next.epoch).toBeGreaterThan(token.epoch + 2_000);
  });

  it('is not recovered by an agent whose right to it went to another meanwhile', async () => {
    await acquired(agent);
    await cluster.restart();
    const meta = `{${cluster.name}}:meta`;
    const run = await cluster.redis.admin('HGET', meta, 'run');
    cluster.control.beforeWrite = async () => void (await cluster.redis.admin('HSET', meta, 'recoverer', 'another'));

    await expect(inTheEndOfConnecting(() => agent.group.members())).rejects.toMatchObject({ code: 'redis_recovering' });

    expect(await cluster.redis.admin('HGET', meta, 'run')).toBe(run);
  });

  it('keeps a time that never goes back and goes on, whatever its clock does', async () => {
    await acquired(agent, alice, unit, 60_000);
    const meta = `{${cluster.name}}:meta`;
    const last = Number(await cluster.redis.admin('HGET', meta, 'lastNow'));
    // As if the clock had stood an hour ahead until now.
    await cluster.redis.admin('HSET', meta, 'lastNow', last + 3_600_000);

    expect(await agent.group.leases()).toMatchObject([{ agent: 'alice', expiresInMs: 0 }]);
    await acquired(agent, bob, unit, 100);
    expect((await agent.group.acquire(alice, unit, 1, 100)).kind).toBe('held');
    await until(async () => (await agent.group.acquire(alice, unit, 1, 60_000)).kind === 'acquired' || undefined);
  });

  it('grants epochs above everything ever granted when the end of its file was lost', async () => {
    const first = await acquired(agent);
    await agent.store.commit(first, commitOf(0));
    await agent.group.release(first);
    for (let i = 0; i < 5; i++) await agent.group.release(await acquired(agent));
    const last = await acquired(agent);
    await agent.store.commit(last, commitOf(1));

    await cluster.redis.down('SIGKILL');
    await cluster.redis.cutTail(2_500);
    await cluster.redis.up();
    const epochAfterCut = Number(await cluster.redis.admin('HGET', `{${cluster.name}}:lease:${unit}`, 'epoch'));
    const blind = cluster.agent();
    const next = await inTheEnd(() => acquired(blind, bob));

    expect(epochAfterCut).toBeLessThan(last.epoch);
    expect(next.epoch).toBeGreaterThan(last.epoch);
    expect(await inTheEnd(() => agent.store.commit(last, commitOf(2)))).toEqual({ kind: 'fenced' });
    const { version } = await loaded(blind, next);
    expect(version).toBeLessThan(2);
    expect(agent.events).toContainEqual({ kind: 'went-back', unit, answered: 2, found: version });
  });

  it('tells of nothing lost when it has everything that it answered', async () => {
    const token = await acquired(agent);
    await agent.store.commit(token, commitOf(0));

    await cluster.restart();
    await inTheEnd(() => acquired(cluster.agent(), bob));
    await inTheEnd(() => agent.store.commit(token, commitOf(1)));

    expect(agent.events.map(({ kind }) => kind)).not.toContain('went-back');
  });

  it('is not taken for one that was emptied while another agent founds the cluster', async () => {
    const founder = cluster.agent();
    const late = {
      read: async () => {
        await founder.group.members();
        return cluster.control.read();
      },
      update: cluster.control.update.bind(cluster.control),
      close: async () => undefined,
    };

    expect(await cluster.agent({ control: late }).group.members()).toEqual([]);
  });

  it('is not used after FLUSHALL: the message says what to do, and nothing is written', async () => {
    const token = await acquired(agent);
    await agent.store.commit(token, commitOf(0));

    await cluster.redis.admin('FLUSHALL');

    const fault = { class: 'retryable', code: 'redis_empty', message: expect.stringContaining('recovery: empty') };
    await expect(agent.store.commit(token, commitOf(1))).rejects.toMatchObject(fault);
    await expect(agent.group.heartbeat(memberOf(alice), 1000)).rejects.toMatchObject(fault);
    await expect(cluster.agent().group.acquire(bob, unit, 1, 1000)).rejects.toMatchObject(fault);
    expect(await cluster.redis.admin('DBSIZE')).toBe(0);
  });

  it('is not used after FLUSHALL by who knew the cluster, even without a record on the bus', async () => {
    const alone = cluster.agent({ control: null });
    await acquired(alone);

    await cluster.redis.admin('FLUSHALL');

    await expect(acquired(alone)).rejects.toMatchObject({ code: 'redis_empty' });
  });

  it('begins anew after FLUSHALL where loss was accepted: old tokens stay dead, layouts come back from the bus', async () => {
    const token = await acquired(agent);
    await agent.group.proposeLayout('sink', layout);
    await agent.store.commit(token, commitOf(0));
    await cluster.redis.admin('FLUSHALL');

    const brave = cluster.agent({ recovery: 'empty' });
    const next = await acquired(brave, bob);

    expect(next).toMatchObject({ incarnation: 2 });
    expect(next.epoch).toBeGreaterThan(1_000);
    expect(await brave.group.layouts()).toEqual({ sink: layout });
    expect(await loaded(brave, next)).toMatchObject({ version: 0, state: {} });
    expect(await agent.store.commit(token, commitOf(1))).toEqual({ kind: 'fenced' });
    expect(brave.events).toContainEqual(expect.objectContaining({ kind: 'recovered', lost: true }));
  });

  it('is never used when it belongs to another cluster of the same name', async () => {
    const token = await acquired(agent);
    await cluster.redis.admin('HSET', `{${cluster.name}}:meta`, 'clusterId', 'theirs');
    const before = await cluster.redis.admin('HGETALL', `{${cluster.name}}:lease:${unit}`);

    for (const recovery of ['refuse', 'empty', 'reseed'] as const) {
      const fault = { class: 'retryable', code: 'redis_wrong_cluster' };
      await expect(acquired(cluster.agent({ recovery }), bob)).rejects.toMatchObject(fault);
    }
    await expect(agent.store.commit(token, commitOf(0))).rejects.toMatchObject({ code: 'redis_wrong_cluster' });

    expect(await cluster.redis.admin('HGETALL', `{${cluster.name}}:lease:${unit}`)).toEqual(before);
  });

  it('is left alone when another primary was recovered since', async () => {
    await acquired(agent);
    await cluster.control.update((record) => ({ ...(record ?? fail()), incarnation: 7 }));

    await expect(acquired(cluster.agent(), bob)).rejects.toMatchObject({ code: 'redis_superseded' });
  });

  it('is left by agents that use it when another primary was recovered since, within ten seconds', async () => {
    const clock = new ManualClock();
    const working = cluster.agent({ clock });
    await working.group.heartbeat(memberOf(alice), 60_000);
    await cluster.control.update((record) => ({ ...(record ?? fail()), incarnation: 7 }));

    await working.group.heartbeat(memberOf(alice), 60_000);
    await clock.advance(10_000);

    await until(() =>
      working.group.heartbeat(memberOf(alice), 60_000).then(
        () => undefined,
        (error: { code?: unknown }) => (error.code === 'redis_superseded' ? true : undefined),
      ),
    );
  });

  it('is not left because the bus is away', async () => {
    const clock = new ManualClock();
    let reads = 0;
    const away = {
      read: () => cluster.control.read(),
      update: cluster.control.update.bind(cluster.control),
      close: async () => undefined,
    };
    const working = cluster.agent({ clock, control: away });
    await working.group.heartbeat(memberOf(alice), 60_000);
    away.read = async () => {
      reads += 1;
      throw new Error('the bus is away');
    };
    await clock.advance(10_000);
    await until(async () => {
      await working.group.heartbeat(memberOf(alice), 60_000);
      return reads > 0 || undefined;
    });

    for (let i = 0; i < 5; i++) await working.group.heartbeat(memberOf(alice), 60_000);

    expect(reads).toBe(1);
  });

  it('tells the bus of a cluster that was there before the record', async () => {
    const alone = cluster.agent({ control: null });
    await acquired(alone);

    await agent.group.proposeLayout('sink', layout);

    expect(await cluster.control.read()).toMatchObject({ incarnation: 1, layouts: { sink: layout } });
  });

  it('tells the bus of an advanced layout, also when its writer died in between', async () => {
    await agent.group.proposeLayout('sink', layout);
    const next = { ...layout, generation: 2, partitions: 8, uuid: 'second' };
    cluster.control.beforeWrite = () => {
      throw new Error('died');
    };
    await expect(agent.group.advanceLayout('sink', 1, next)).rejects.toThrow('died');
    cluster.control.beforeWrite = () => undefined;

    expect(await agent.group.advanceLayout('sink', 1, next)).toBe(true);

    expect((await cluster.control.read())?.layouts).toEqual({ sink: next });
  });
});

function fail(): never {
  throw new Error('no record');
}

/** Waits for the connection to come back; any other fault is the answer. */
async function inTheEndOfConnecting<T>(ask: () => Promise<T>): Promise<T> {
  const end = performance.now() + 20_000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      const passing = ['redis_disconnected', 'redis_loading', 'redis_auth'].includes(String(code));
      if (!passing || performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
