import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GuardedRedis } from '../../src/state/redis/guarded-redis.ts';
import { RedisStore } from '../../src/state/redis/redis-store.ts';
import { type Agent, acquired, alice, bob, commitOf, loaded, TestCluster } from '../services/redis-cluster.ts';

describe('reading a partition back from Redis', () => {
  let cluster: TestCluster;
  let agent: Agent;

  beforeEach(async () => {
    cluster = await TestCluster.start(['--appendfsync', 'no']);
    agent = cluster.agent();
  });
  afterEach(() => cluster.stop());

  /** The same store, with something that happens after its first page of states. */
  const interrupted = (happens: () => Promise<unknown>): Agent => {
    const { guarded } = agent.coordination;
    const redis: GuardedRedis = {
      key: (...args) => guarded.key(...args),
      effect: (...args) => guarded.effect(...args),
      look: (...args) => guarded.look(...args),
      answered: (...args) => guarded.answered(...args),
      stoodAtRecovery: (...args) => guarded.stoodAtRecovery(...args),
      scan: async (...args) => {
        const page = await guarded.scan(...args);
        await happens();
        return page;
      },
    };
    return { ...agent, store: new RedisStore(redis) };
  };

  it('is fenced when another took over meanwhile', async () => {
    const token = await acquired(agent);
    await agent.store.commit(token, commitOf(0));
    const other = cluster.agent();

    const result = interrupted(async () => {
      await agent.group.release(token);
      const next = await acquired(other, bob);
      await other.store.commit(next, commitOf(1));
    }).store.load(token, () => undefined);

    expect(await result).toEqual({ kind: 'fenced' });
  });

  it('gives out no mixture when an earlier commit of the same owner comes late', async () => {
    const token = await acquired(agent);
    await agent.store.commit(token, commitOf(0));
    let late = false;
    const reader = interrupted(async () => {
      if (!late) await agent.store.commit(token, commitOf(1));
      late = true;
    });

    await expect(loaded(reader, token)).rejects.toMatchObject({ class: 'retryable', code: 'state_moved' });

    expect(await loaded(reader, token)).toMatchObject({ version: 2, state: { key: '2' } });
  });

  it('reads outboxes and id logs longer than a page, in order', async () => {
    const token = await acquired(agent);
    const text = 'x'.repeat(20_000);
    for (let batch = 0; batch < 13; batch++)
      await Promise.all(
        Array.from({ length: 100 }, (_, i) => {
          const version = batch * 100 + i;
          const outbox = version < 130 ? [{ group: 'out', items: 1, text: `${version + 1} ${text}` }] : [];
          return agent.store.commit(token, commitOf(version, { outbox, ids: { slice: version % 2, text: `${version}` } }));
        }),
      );

    const { ids, outbox } = await loaded(agent, token);

    expect(ids.map(([slice, id]) => [slice, id])).toEqual(Array.from({ length: 1_300 }, (_, i) => [i % 2, `${i}`]));
    expect(outbox.map((blob) => [blob.version, blob.text.slice(0, 8)])).toEqual(
      Array.from({ length: 130 }, (_, i) => [i + 1, `${i + 1} ${text}`.slice(0, 8)]),
    );
  });

  it('keeps neither Redis nor this process from other work over a hundred thousand keys', { timeout: 60_000 }, async () => {
    const token = await acquired(agent);
    for (let batch = 0; batch < 50; batch++) {
      const set = Array.from(
        { length: 2_000 },
        (_, i) => [`key ${batch} ${i}`, `{"n":${i},"text":"${'x'.repeat(100)}"}`] as const,
      );
      await agent.store.commit(token, commitOf(batch, { set }));
    }
    const other = cluster.agent();
    const neighbour = await acquired(other, alice, 'cg.test.sink.g1.p1');
    let [reading, commits, turns] = [true, 0, 0];
    const working = (async () => {
      for (let version = 0; reading; version++) {
        await other.store.commit(neighbour, commitOf(version));
        commits += 1;
      }
    })();
    const count = () => {
      turns += 1;
      if (reading) setImmediate(count);
    };
    setImmediate(count);

    let [keys, pages] = [0, 0];
    const counted = interrupted(async () => {
      pages += 1;
    });
    const result = await counted.store.load(token, (chunk) => {
      keys += chunk.length;
    });
    reading = false;
    await working;

    expect(result).toMatchObject({ kind: 'ok', value: { version: 50 } });
    expect(keys).toBeGreaterThanOrEqual(100_000);
    // Pages of some thousand keys: the neighbour gets in between most of them, and every one ends in a turn of its own.
    expect(pages).toBeGreaterThanOrEqual(20);
    expect(commits).toBeGreaterThan(pages / 2);
    expect(turns).toBeGreaterThanOrEqual(pages);
  });
});
