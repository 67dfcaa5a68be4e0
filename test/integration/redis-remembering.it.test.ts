import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TellingGroup } from '../../src/agent/telling-group.ts';
import type { AgentIdentity } from '../../src/coordination/group.ts';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { Fault } from '../../src/model/faults.ts';
import { RememberingStore } from '../../src/state/remembering-store.ts';
import {
  type Agent,
  acquired,
  alice,
  bob,
  commitOf,
  inTheEnd,
  loaded,
  longMs,
  memberOf,
  TestCluster,
  unit,
} from '../services/redis-cluster.ts';

/** An agent with `recovery: reseed`. */
function remembering(cluster: TestCluster) {
  const agent = cluster.agent({ recovery: 'reseed' });
  const written: [string, number][] = [];
  const clock = new ManualClock();
  const group = new TellingGroup(agent.group, clock, (mayWriteBack) => {
    const onWrittenBack = (of: string, version: number) => void written.push([of, version]);
    return new RememberingStore(agent.store, { mayWriteBack, onWrittenBack });
  });
  const remembers = {
    ...agent,
    group: group as unknown as Agent['group'],
    store: group.store as unknown as Agent['store'],
    lost: () => group.store.lost(),
  };
  const says = (identity: AgentIdentity) => group.heartbeat(memberOf(identity), longMs);
  return { ...remembers, clock, written, says };
}

describe('a store that remembers what it loaded and committed', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await TestCluster.start();
  });
  afterEach(() => cluster.stop());

  it('writes a partition back to a Redis that forgot it, as the last commit left it', async () => {
    const agent = remembering(cluster);
    const token = await acquired(agent);
    await loaded(agent, token);
    const outbox = [{ group: 'file', items: 1, text: 'x' }];
    await agent.store.commit(
      token,
      commitOf(0, {
        set: [
          ['a', '1'],
          ['b', '2'],
        ],
        ids: { slice: 1, text: 'one ' },
        outbox,
      }),
    );
    await agent.store.commit(token, commitOf(1, { set: [['a', '3']], del: ['b'], ids: { slice: 2, text: 'two ' }, outbox }));
    await agent.store.clearOutbox(token, 'file', 1);
    const before = await loaded(agent, token);
    await cluster.redis.admin('FLUSHALL');

    expect(await agent.store.commit(token, commitOf(2))).toEqual({ kind: 'fenced' });
    expect(await agent.lost()).toEqual({ [unit]: 2 });
    const next = await acquired(agent);
    await agent.says(alice);
    await expect(loaded(agent, next)).rejects.toMatchObject({ code: 'redis_state_missing' });
    await agent.clock.advance(longMs);
    await agent.says(alice);

    expect(await loaded(agent, next)).toEqual(before);
    expect(agent.written).toEqual([[unit, 2]]);
    expect(await agent.lost()).toEqual({});
    expect(await agent.store.commit(next, commitOf(2))).toEqual({ kind: 'ok', version: 3 });
  });

  it('brings a Redis forward that lost the end of its file, to the last commit that was answered', async () => {
    const agent = remembering(cluster);
    const token = await acquired(agent);
    await loaded(agent, token);
    await agent.store.commit(
      token,
      commitOf(0, {
        set: [
          ['a', '1'],
          ['b', '2'],
        ],
      }),
    );
    const size = await cluster.redis.fileSize();
    await agent.store.commit(token, commitOf(1, { set: [['a', '3']], del: ['b'] }));
    const before = await loaded(agent, token);
    await cluster.redis.down();
    await cluster.redis.cutTail((await cluster.redis.fileSize()) - size);
    await cluster.redis.up();

    const next = await inTheEnd(() => acquired(agent));

    expect(await loaded(agent, next)).toEqual(before);
    expect(agent.written).toEqual([[unit, 2]]);
    expect(await agent.store.commit(next, commitOf(2))).toEqual({ kind: 'ok', version: 3 });
  });

  it('leaves a Redis that lost its end as it is once another agent went on from there', async () => {
    const agent = remembering(cluster);
    const token = await acquired(agent);
    await loaded(agent, token);
    await agent.store.commit(token, commitOf(0));
    const size = await cluster.redis.fileSize();
    for (const version of [1, 2, 3]) await agent.store.commit(token, commitOf(version));
    await cluster.redis.down();
    await cluster.redis.cutTail((await cluster.redis.fileSize()) - size);
    await cluster.redis.up();
    const other = cluster.agent({ recovery: 'reseed' });
    const theirs = await inTheEnd(() => acquired(other, bob));
    await other.store.commit(theirs, commitOf(1, { set: [['key', 'theirs']] }));
    await other.group.release(theirs);

    const next = await inTheEnd(() => acquired(agent));

    expect(await loaded(agent, next)).toMatchObject({ version: 2, state: { key: 'theirs' } });
    expect(agent.written).toEqual([]);
  });

  it('knows the commit whose answer was lost', async () => {
    const agent = remembering(cluster);
    const token = await acquired(agent);
    await loaded(agent, token);
    // As if the answer to the first had not come: the same is asked for again.
    await cluster.agent({ recovery: 'reseed' }).store.commit(token, commitOf(0));
    expect(await agent.store.commit(token, commitOf(0))).toMatchObject({ kind: 'replayed', version: 1 });
    await cluster.redis.admin('FLUSHALL');
    await agent.says(alice);
    await expect(loaded(agent, await acquired(agent))).rejects.toMatchObject({ code: 'redis_state_missing' });
    await agent.says(alice);
    await agent.clock.advance(longMs);
    await agent.says(alice);

    expect((await loaded(agent, await acquired(agent))).state).toEqual({ key: '1' });
  });

  it('is forgotten with the lease when the store has it', async () => {
    const agent = remembering(cluster);
    const token = await acquired(agent);
    await loaded(agent, token);
    await agent.store.commit(token, commitOf(0));
    await agent.group.release(token);
    await cluster.redis.admin('FLUSHALL');
    await agent.says(alice);

    await expect(loaded(agent, await acquired(agent))).rejects.toMatchObject({ code: 'redis_state_missing' });
    expect(await agent.lost()).toEqual({});
  });

  it('is not written back by who slept through a takeover, when the one that took over lives', async () => {
    const sleeper = remembering(cluster);
    const stale = await acquired(sleeper, alice, unit, 1);
    await loaded(sleeper, stale);
    await sleeper.store.commit(stale, commitOf(0, { leaseTtlMs: 1 }));
    const other = remembering(cluster);
    const theirs = await inTheEnd(async () => {
      const result = await other.group.acquire(bob, unit, 1, longMs);
      if (result.kind !== 'acquired') throw new Fault('retryable', 'held', 'not yet');
      return result.token;
    });
    await loaded(other, theirs);
    await other.store.commit(theirs, commitOf(1));
    await cluster.redis.admin('FLUSHALL');
    for (const agent of [sleeper, other])
      expect(await agent.store.noteStart(agent === sleeper ? stale : theirs, '')).toEqual({ kind: 'fenced' });
    await sleeper.says(alice);
    await sleeper.clock.advance(longMs);
    await other.says(bob);

    const again = await acquired(sleeper, alice);
    await expect(loaded(sleeper, again)).rejects.toMatchObject({ code: 'redis_state_missing' });
    await sleeper.group.release(again);
    await other.clock.advance(longMs);
    expect(await loaded(other, await acquired(other, bob))).toMatchObject({ version: 2 });
    expect(sleeper.written).toEqual([]);
  });
});
