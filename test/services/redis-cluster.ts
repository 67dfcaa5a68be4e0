import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlLog } from '../../src/coordination/control-log.ts';
import type { AgentIdentity, LeaseToken, Member } from '../../src/coordination/group.ts';
import { openRedis, type RedisEvent, type RedisOptions } from '../../src/coordination/redis/open-redis.ts';
import { createKeyRing } from '../../src/lib/key-ring.ts';
import type { Commit } from '../../src/state/partition-store.ts';
import { RedisStore } from '../../src/state/redis/redis-store.ts';
import { FileControlLog } from './file-control-log.ts';
import { PrivateRedis } from './redis.ts';

export const unit = 'cg.test.sink.g1.p0';
export const alice: AgentIdentity = { agent: 'alice', boot: 'alice-1' };
export const bob: AgentIdentity = { agent: 'bob', boot: 'bob-1' };
export const longMs = 60_000;

export const ringOf = (active: string, ...kids: readonly string[]) =>
  createKeyRing(active, new Map(kids.map((kid) => [kid, `${kid} is a key for tests, `.repeat(3)])));

export type Agent = Awaited<ReturnType<TestCluster['agent']>>;

/** Agents of one cluster on a Redis of their own, under the profile that we ship. */
export class TestCluster {
  readonly name = `t${randomUUID()}`;
  readonly user = 'agent-of-ours';
  readonly password = randomUUID();
  readonly redis: PrivateRedis;
  readonly control: FileControlLog;
  readonly #dir: string;
  readonly #opened: { close(): Promise<void> }[] = [];

  private constructor(redis: PrivateRedis, dir: string) {
    this.redis = redis;
    this.#dir = dir;
    this.control = new FileControlLog(join(dir, 'control.json'));
  }

  static async start(extra: readonly string[] = []): Promise<TestCluster> {
    const redis = await PrivateRedis.start(extra);
    const cluster = new TestCluster(redis, await mkdtemp(join(tmpdir(), 'ceilograph-control-')));
    await cluster.letIn();
    return cluster;
  }

  /** With all rights of the shipped profile, whatever was taken away. */
  letIn(): Promise<void> {
    return this.redis.addUser(this.name, this.user, this.password);
  }

  agent(options: Partial<RedisOptions> & { readonly control?: ControlLog | null } = {}) {
    const events: RedisEvent[] = [];
    const coordination = openRedis({
      url: this.redis.url,
      username: this.user,
      password: this.password,
      cluster: this.name,
      ring: ringOf('k1', 'k1'),
      control: this.control,
      report: (event) => events.push(event),
      ...options,
    });
    this.#opened.push(coordination);
    const store = new RedisStore(coordination.guarded);
    return { coordination, group: coordination.group, store, events };
  }

  restart(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.redis.restart(signal);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((one) => one.close()));
    await this.redis.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }
}

export async function acquired(agent: Agent, identity = alice, of = unit, ttlMs = longMs): Promise<LeaseToken> {
  const result = await agent.group.acquire(identity, of, 1, ttlMs);
  if (result.kind !== 'acquired') throw new Error(`not acquired: ${JSON.stringify(result)}`);
  return result.token;
}

export async function loaded(agent: Agent, token: LeaseToken) {
  const state: Record<string, string | null> = {};
  const result = await agent.store.load(token, (chunk) => Object.assign(state, Object.fromEntries(chunk)));
  if (result.kind !== 'ok') throw new Error(`not loaded: ${result.kind}`);
  return { ...result.value, state };
}

export function memberOf(identity: AgentIdentity): Member {
  return { ...identity, weight: 1, protocol: 1, build: 'test', host: 'here', pid: 1, facts: {} };
}

export function commitOf(expectVersion: number, parts: Partial<Commit> = {}): Commit {
  return {
    expectVersion,
    commitId: `commit ${expectVersion}`,
    set: [['key', String(expectVersion + 1)]],
    del: [],
    rolling: [],
    roundStart: false,
    roundEnd: false,
    cursor: `cursor ${expectVersion + 1}`,
    ids: null,
    dropSlices: [],
    outbox: [],
    leaseTtlMs: longMs,
    ...parts,
  };
}

/** Asks again while the answer is a retryable fault, as callers do; fails after 20 s. */
export async function inTheEnd<T>(ask: () => Promise<T>): Promise<T> {
  const end = performance.now() + 20_000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if ((error as { class?: unknown }).class !== 'retryable' || performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
