import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbedded } from '../../src/agent/open-embedded.ts';
import type { AgentIdentity, Group, LeaseToken } from '../../src/coordination/group.ts';
import type { PartitionStore } from '../../src/state/partition-store.ts';
import { commitOf, longMs, TestCluster } from '../services/redis-cluster.ts';

/** One of the two worlds: its ports, and the tokens it gave out, by who and unit, in the order in which they came. */
interface Side {
  readonly group: Group;
  readonly store: PartitionStore;
  readonly tokens: LeaseToken[];
}

const agents: readonly AgentIdentity[] = [
  { agent: 'alice', boot: '1' },
  { agent: 'alice', boot: '2' },
  { agent: 'bob', boot: '1' },
];
const who = fc.constantFrom(...agents);
const unit = fc.nat({ max: 1 });
/** Which of the tokens given out so far: old ones are what the guard is for. */
const token = fc.nat({ max: 20 });
const key = fc.nat({ max: 6 }).map((n) => `key ${n}`);
const group = fc.constantFrom('file', 'http');

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('acquire' as const), who, unit, plan: fc.nat({ max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), token }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('renew' as const), tokens: fc.array(token, { maxLength: 4 }) }) },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      token,
      /** Against the version that stands: mostly the right one. */
      off: fc.constantFrom(0, 0, 0, 0, -1, 1),
      again: fc.constantFrom(false, false, false, true),
      set: fc.uniqueArray(key, { maxLength: 4 }),
      del: fc.uniqueArray(key, { maxLength: 3 }),
      ids: fc.option(fc.nat({ max: 2 })),
      drop: fc.uniqueArray(fc.nat({ max: 2 }), { maxLength: 2 }),
      outbox: fc.uniqueArray(group),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('start' as const), token }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('clear' as const), token, group, version: fc.nat({ max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('load' as const), token }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('plan' as const), expect: fc.nat({ max: 3 }), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('look' as const), unit }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

describe('Redis and the embedded store', () => {
  let cluster: TestCluster;
  let dir: string;
  let embedded: Awaited<ReturnType<typeof openEmbedded>>;
  let runs = 0;

  beforeAll(async () => {
    cluster = await TestCluster.start(['--appendfsync', 'no']);
    dir = await mkdtemp(join(tmpdir(), 'ceilograph-'));
    embedded = await openEmbedded({ dataDir: dir });
  });
  afterAll(async () => {
    await embedded.close();
    await rm(dir, { recursive: true, force: true });
    await cluster.stop();
  });

  it('give the same answers to the same calls in the same order', { timeout: 90_000 }, async () => {
    const redis = cluster.agent();
    let planVersion = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 70 }), async (steps) => {
        const run = runs++;
        const sides: readonly Side[] = [
          { group: redis.group, store: redis.store, tokens: [] },
          { group: embedded.group, store: embedded.store, tokens: [] },
        ];
        for (const each of steps) {
          const [ours, theirs] = await Promise.all(sides.map((side) => play(side, each, run, planVersion)));
          expect(ours, JSON.stringify(each)).toEqual(theirs);
          if (each.do === 'plan' && ours === true) planVersion += 1;
        }
      }),
      { numRuns: 60 },
    );
  });
});

async function play(side: Side, step: Step, run: number, planVersion: number): Promise<unknown> {
  const { group, store, tokens } = side;
  const name = (n: number) => `cg.test.sink${run}.g1.p${n}`;
  const held = 'token' in step ? tokens[step.token % Math.max(1, tokens.length)] : undefined;
  if ('token' in step && held === undefined) return 'no token yet';
  const token = held as LeaseToken;
  switch (step.do) {
    case 'acquire': {
      const result = await group.acquire(step.who, name(step.unit), step.plan, longMs);
      if (result.kind === 'acquired') tokens.push(result.token);
      return result.kind === 'held' ? { kind: 'held', by: result.by } : result;
    }
    case 'release':
      return group.release(token);
    case 'renew':
      return group.renew([...new Set(step.tokens.flatMap((n) => tokens[n % Math.max(1, tokens.length)] ?? []))], longMs);
    case 'start':
      return store.noteStart(token, 'a=1');
    case 'clear':
      return store.clearOutbox(token, step.group, step.version);
    case 'load':
      return load(store, token);
    case 'plan':
      return group.commitPlan(planVersion + step.expect - 1, { [name(0)]: step.who.agent });
    case 'look': {
      const leases = (await group.leases()).filter((lease) => lease.unit === name(step.unit));
      const seen = leases.map(({ expiresInMs, ...lease }) => ({ ...lease, alive: expiresInMs > 0 }));
      return { seen, state: await store.describe(name(step.unit)), plan: await group.readPlan() };
    }
    case 'commit': {
      const { version } = await store.describe(token.unit);
      const expectVersion = Math.max(0, version + step.off);
      return store.commit(
        token,
        commitOf(expectVersion, {
          commitId: step.again ? `commit ${version - 1}` : `commit ${expectVersion}`,
          set: step.set.map((each) => [each, `${expectVersion} ${each}`] as const),
          del: step.del,
          ids: step.ids === null ? null : { slice: step.ids, text: `id ${expectVersion} ` },
          dropSlices: step.drop,
          outbox: step.outbox.map((each) => ({ group: each, items: 2, text: `${each} ${expectVersion} ü` })),
        }),
      );
    }
  }
}

async function load(store: PartitionStore, token: LeaseToken) {
  const state = new Map<string, string>();
  const loaded = await store.load(token, (chunk) => {
    for (const [key, value] of chunk) {
      if (value === null) state.delete(key);
      else state.set(key, value);
    }
  });
  if (loaded.kind !== 'ok') return loaded;
  const outbox = [...loaded.value.outbox].sort((a, b) => a.version - b.version || (a.group < b.group ? -1 : 1));
  return { ...loaded.value, outbox, state: [...state].sort(([a], [b]) => (a < b ? -1 : 1)) };
}
