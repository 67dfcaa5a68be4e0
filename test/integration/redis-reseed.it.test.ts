import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WholePartition } from '../../src/state/partition-store.ts';
import { type Agent, acquired, alice, bob, commitOf, loaded, TestCluster, unit } from '../services/redis-cluster.ts';

const whole: WholePartition = {
  version: 7,
  lastCommitId: 'commit 6',
  cursor: 'cursor 7',
  states: Array.from({ length: 2_500 }, (_, i) => [`key ${i}`, `value ${i}`] as const),
  ids: [
    [4, 'one '],
    [3, 'two '],
    [4, 'three '],
  ],
  outbox: [
    { group: 'file', version: 5, items: 2, text: 'é' },
    { group: 'http', version: 6, items: 1, text: 'x' },
    { group: 'file', version: 7, items: 1, text: 'y' },
  ],
};

describe('a partition written back after Redis forgot it', () => {
  let cluster: TestCluster;
  let agent: Agent;

  beforeEach(async () => {
    cluster = await TestCluster.start();
    const before = cluster.agent();
    await before.store.commit(await acquired(before), commitOf(0));
    await cluster.redis.admin('FLUSHALL');
    agent = cluster.agent({ recovery: 'reseed' });
  });
  afterEach(() => cluster.stop());

  it('stands still before that: nobody takes it for a new one', async () => {
    const token = await acquired(agent, bob);
    const fault = { class: 'retryable', code: 'redis_state_missing', message: expect.stringContaining('recovery: empty') };

    await expect(loaded(agent, token)).rejects.toMatchObject(fault);
    await expect(agent.store.commit(token, commitOf(0))).rejects.toMatchObject(fault);
    await expect(loaded(cluster.agent(), token)).rejects.toMatchObject(fault);
  });

  it('is what it was', async () => {
    const token = await acquired(agent);

    expect(await agent.store.reseed(token, whole)).toEqual({ kind: 'ok' });

    const { state, ...rest } = await loaded(agent, token);
    expect(rest).toEqual({ version: 7, cursor: 'cursor 7', starts: 0, suspects: '', ids: whole.ids, outbox: whole.outbox });
    expect(state).toEqual(Object.fromEntries(whole.states));
    expect(await agent.store.describe(unit)).toEqual({ version: 7, outboxItems: 4, outboxBytes: 4 });
    expect(await agent.store.commit(token, commitOf(6))).toEqual({ kind: 'replayed', version: 7 });
    await agent.store.commit(token, commitOf(7, { ids: { slice: 3, text: 'four ' } }));
    await agent.store.clearOutbox(token, 'file', 6);
    const after = await loaded(agent, token);
    expect(after.ids).toEqual([...whole.ids, [3, 'four ']]);
    expect(after.outbox.map(({ version }) => version)).toEqual([6, 7]);
  });

  it('is not written over what is as new', async () => {
    const token = await acquired(agent);
    await agent.store.reseed(token, whole);

    expect(await agent.store.reseed(token, { ...whole, version: 6, states: [] })).toEqual({ kind: 'newer', version: 7 });
    expect(await agent.store.reseed(token, { ...whole, states: [] })).toEqual({ kind: 'newer', version: 7 });
    expect(Object.keys((await loaded(agent, token)).state)).toHaveLength(2_500);
  });

  it('replaces what is older, and leaves nothing of it', async () => {
    const token = await acquired(agent);
    await agent.store.reseed(token, whole);

    const later = { version: 9, lastCommitId: 'x', cursor: null, states: [['k', 'v']] as const, ids: [], outbox: [] };
    expect(await agent.store.reseed(token, later)).toEqual({ kind: 'ok' });

    expect(await loaded(agent, token)).toEqual({
      version: 9,
      cursor: null,
      starts: 0,
      suspects: '',
      ids: [],
      outbox: [],
      state: { k: 'v' },
    });
    expect(await agent.store.describe(unit)).toEqual({ version: 9, outboxItems: 0, outboxBytes: 0 });
  });

  it('is not half there when its writer dies, and can be written by the next', async () => {
    const token = await acquired(agent);
    const dying = {
      ...whole,
      states: (function* () {
        yield* whole.states;
        throw new Error('died');
      })(),
    };
    await expect(agent.store.reseed(token, dying)).rejects.toThrow('died');

    await expect(loaded(agent, token)).rejects.toMatchObject({ code: 'redis_state_missing' });
    await agent.group.release(token);
    const next = await acquired(agent, bob);
    await agent.store.reseed(next, { ...whole, states: [['only', 'this']] });

    expect((await loaded(agent, next)).state).toEqual({ only: 'this' });
  });

  it('is one of two and no mixture when it is written twice at once', async () => {
    const token = await acquired(agent);
    const other = { ...whole, version: 8, states: Array.from({ length: 2_500 }, (_, i) => [`other ${i}`, ''] as const) };

    const results = await Promise.all([agent.store.reseed(token, whole), agent.store.reseed(token, other)]);

    expect(results).toEqual([{ kind: 'fenced' }, { kind: 'ok' }]);
    expect((await loaded(agent, token)).state).toEqual(Object.fromEntries(other.states));
  });

  it('is written by its owner alone', async () => {
    const token = await acquired(agent);
    await agent.group.release(token);
    const next = await acquired(agent, bob);
    await agent.store.reseed(next, whole);

    expect(await agent.store.reseed(token, { ...whole, version: 99 })).toEqual({ kind: 'fenced' });
    expect((await loaded(agent, next)).version).toBe(7);
  });

  it('ends in the middle when the lease is lost', async () => {
    const token = await acquired(agent);
    let losing: Promise<unknown> | undefined;
    const slow = {
      ...whole,
      states: (function* () {
        yield* whole.states;
        losing = agent.group.release(token);
        yield* Array.from({ length: 1_000 }, (_, i) => [`more ${i}`, ''] as const);
      })(),
    };

    expect(await agent.store.reseed(token, slow)).toEqual({ kind: 'fenced' });
    await losing;
  });

  it('begins anew where its loss was accepted', async () => {
    const token = await acquired(agent);

    const brave = cluster.agent({ recovery: 'empty' });
    await brave.group.members();

    expect(await loaded(agent, token)).toMatchObject({ version: 0, state: {} });
    expect(await agent.store.commit(token, commitOf(0))).toEqual({ kind: 'ok', version: 1 });
    expect((await acquired(brave, alice)).epoch).toBeGreaterThan(1_000);
  });
});
