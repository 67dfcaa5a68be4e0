import type { Group, Layout, LeaseToken } from '../../src/coordination/group.ts';
import { parseItemLines } from '../../src/core/convert/wire.ts';
import type { Entry } from '../../src/model/entry.ts';
import type { Lane } from '../../src/pipeline/lane.ts';
import type { Commit, CommitResult, PartitionStore } from '../../src/state/partition-store.ts';
import type { Cluster } from './cluster.ts';
import type { Link } from './link.ts';
import type { SimRedis } from './sim-redis.ts';
import { SimClock } from './world.ts';

function scriptsOver(redis: SimRedis, link: Link) {
  return <T>(run: () => T): Promise<T> => link.call((answer, refuse) => redis.script(run, answer, refuse));
}

/** The group as one agent has it: every call a script on the far side of its connection. */
export function simGroup(redis: SimRedis, link: Link): Group {
  const script = scriptsOver(redis, link);
  const never = (): Promise<never> => Promise.reject(new Error('not simulated'));
  return {
    heartbeat: (member, ttlMs) => script(() => redis.heartbeat(member, ttlMs)),
    leave: (identity) => script(() => redis.leave(identity)),
    members: () => script(() => redis.living().map(({ member }) => member)),
    living: () => script(() => redis.living()),
    readPlan: () => script(() => redis.readPlan()),
    commitPlan: (version, owners) => script(() => redis.commitPlan(version, owners)),
    acquire: (identity, unit, plan, ttlMs) => script(() => redis.acquire(identity, unit, plan, ttlMs)),
    renew: (tokens, ttlMs) => script(() => redis.renew(tokens, ttlMs)),
    release: (token) => script(() => redis.release(token)),
    leases: never,
    time: () => script(() => SimClock.epoch + redis.rawTime),
    proposeLayout: never as () => Promise<Layout>,
    advanceLayout: never,
    layouts: never,
    close: async () => undefined,
  };
}

/** The state store of one worker. With each commit go the entries that were applied since the last, for the oracle. */
export function simStore(cluster: Cluster, link: Link, recorded: Entry[], lane: Lane): PartitionStore {
  const { redis, ledger, broken } = cluster;
  const script = scriptsOver(redis, link);
  let current: { readonly id: string; readonly applied: readonly Entry[] } = { id: '', applied: [] };
  const commit = async (token: LeaseToken, commit: Commit): Promise<CommitResult> => {
    if (current.id !== commit.commitId) current = { id: commit.commitId, applied: recorded.splice(0) };
    const { applied } = current;
    if (broken.has('publish-before-commit'))
      for (const { text } of commit.outbox)
        await lane.offer({ key: '', items: parseItemLines(text), replay: false, lines: text });
    const result = await script(() => redis.commit(token, commit, applied));
    if (result.kind === 'conflict') ledger.conflicted(token);
    return result;
  };
  return {
    rollingKeys: 0,
    load: async (token, onState) => {
      const loaded = await script(() => redis.load(token));
      if (loaded.kind === 'ok') onState([...loaded.value.rows], false);
      return loaded;
    },
    noteStart: (token, suspects) => script(() => redis.noteStart(token, suspects)),
    commit,
    clearOutbox: (token, group, version) => script(() => redis.clearOutbox(token, group, version)),
    describe: () => Promise.reject(new Error('not simulated')),
    close: async () => undefined,
  };
}
