import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pause, until } from '../faults/until.ts';
import { ClusterUnderTest } from './cluster-under-test.ts';
import { CommitWatch } from './commit-watch.ts';
import { Feeder } from './feeder.ts';
import { startServers } from './servers.ts';
import { manyResources } from './traffic.ts';

const keys = 100_000;
const perNotification = 100;
const leaseTtlMs = 10_000;
const amqpHeartbeatMs = 5_000;
const plannedMs = 1_000;

/** One partition with many keys, and eight others that must not notice. */
const sinks = {
  'big.yaml': sink('big', 'partitions: 1\norder: arrival', '  - rate_of_change: { target: { name: cpu.rate, type: gauge } }'),
  'others.yaml': sink(
    'others',
    'partitions: 8\npartition_by: [resource_id]\norder: arrival',
    '  - delta: { target: { name: cpu.delta } }',
  ),
};

function sink(name: string, how: string, step: string): string {
  return `sink: ${name}\nfrom: samples\nmatch: [cpu]\n${how}\ntransform:\n${step}\npublish:\n  - file: { path: out/${name}.jsonl }\n`;
}

/** How a partition is taken from its owner, and within which time another one must have gone on. */
interface Way {
  readonly name: string;
  readonly withinMs: number;
  readonly planned: boolean;
  take(cluster: ClusterUnderTest, owner: string): Promise<void> | void;
  giveBack(cluster: ClusterUnderTest, owner: string): Promise<void> | void;
}

const start = (cluster: ClusterUnderTest, owner: string) => cluster.start(owner, watched(cluster, owner));

const ways: readonly Way[] = [
  {
    name: 'SIGTERM',
    withinMs: plannedMs,
    planned: true,
    take: (cluster, owner) => cluster.kill(owner, 'SIGTERM'),
    giveBack: start,
  },
  {
    name: 'SIGKILL',
    withinMs: leaseTtlMs + 2_000,
    planned: false,
    take: (cluster, owner) => cluster.kill(owner),
    giveBack: start,
  },
  {
    name: 'SIGSTOP',
    withinMs: leaseTtlMs + 3 * amqpHeartbeatMs,
    planned: false,
    take: (cluster, owner) => cluster.signal(owner, 'SIGSTOP'),
    giveBack: (cluster, owner) => cluster.signal(owner, 'SIGCONT'),
  },
];

export interface HandOver {
  readonly way: string;
  readonly keys: number;
  /** From the last commit of the one owner to the first of the next. */
  readonly ms: number;
  readonly withinMs: number;
  /** The longest time without a commit of any partition that stayed, and the same in five seconds before. */
  readonly othersMs: number;
  readonly othersBeforeMs: number;
  /** The longest block of any event loop, and the same before. */
  readonly loopMs: number;
  readonly loopBeforeMs: number;
}

/** One after the other, on servers of its own, with built agents. */
export async function handOvers(): Promise<readonly HandOver[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ceilograph-handover-'));
  await mkdir(join(folder, 'none'));
  const name = 'handover';
  const servers = await startServers(name);
  const timing = `lease_ttl_ms: ${leaseTtlMs}, rejoin_grace_ms: 0`;
  const cluster = await ClusterUnderTest.prepare({
    cluster: name,
    folder,
    servers,
    sinks,
    pipelines: join(folder, 'none'),
    timing,
  });
  const feeder = new Feeder(servers.rabbitmq.url);
  const names = ['a0', 'a1', 'a2'];
  let over = false;
  try {
    for (const agent of names) await start(cluster, agent);
    await allRun(cluster, names);
    await feeder.feed(manyResources(keys, perNotification, keys / perNotification));
    const feeding = feeder.feed(manyResources(keys, 10, Number.POSITIVE_INFINITY, 1), 40, () => over);
    feeding.catch(() => undefined);
    await until(async () => (await waiting(cluster)) < 50, 120_000, 'the keys are not computed');
    const units = (await cluster.status('a0')).partitions.map(({ unit }) => unit);
    const big = units.find((unit) => unit.includes('.big.')) ?? '';
    const watch = new CommitWatch(servers.redis.url, name, units);
    await pause(10_000);
    const found: HandOver[] = [];
    for (const way of ways) found.push(...(await measured(way, cluster, watch, big, names)));
    await watch.close();
    over = true;
    await feeding;
    return found;
  } finally {
    over = true;
    await cluster.close();
    await feeder.close();
    await servers.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measured(
  way: Way,
  cluster: ClusterUnderTest,
  watch: CommitWatch,
  big: string,
  names: readonly string[],
): Promise<readonly HandOver[]> {
  await allRun(cluster, names);
  // What a join moved has settled, and the loops are calm.
  await pause(10_000);
  const { partitions } = await cluster.status('a0');
  const owner = partitions.find(({ unit }) => unit === big)?.owner ?? '';
  const stay = partitions.flatMap((partition) => (partition.owner === owner ? [] : [partition.unit]));
  const calmSince = performance.now();
  await pause(5_000);
  const calm = Math.max(...stay.map((unit) => watch.longestPause(unit, calmSince)));
  const calmLoop = await longestBlock(cluster, names, Date.now() - 5_000);
  const since = performance.now();
  const sinceClock = Date.now();
  await way.take(cluster, owner);
  await until(() => watch.handOver(big, since) !== null, way.withinMs + 30_000, `${way.name}: nobody goes on`);
  await pause(1_000);
  const seen = async (name: string, withinMs: number, from: number, fromClock: number, watched: readonly string[]) => ({
    ...{ way: name, keys, ms: Math.round(watch.handOver(big, from)?.ms ?? Number.POSITIVE_INFINITY), withinMs },
    othersMs: Math.round(Math.max(...stay.map((unit) => watch.longestPause(unit, from)))),
    othersBeforeMs: Math.round(calm),
    loopMs: Math.round(await longestBlock(cluster, watched, fromClock)),
    loopBeforeMs: Math.round(calmLoop),
  });
  const stayed = names.filter((each) => each !== owner);
  const taken = await seen(way.name, way.withinMs, since, sinceClock, way.planned ? names : stayed);
  const [sinceBack, sinceBackClock] = [performance.now(), Date.now()];
  await way.giveBack(cluster, owner);
  if (!way.planned) return [taken];
  // It has its home there, and goes back.
  await allRun(cluster, names);
  await until(() => watch.handOver(big, sinceBack) !== null, 30_000, 'it does not go back');
  await pause(1_000);
  // A process that starts compiles its code: that is none of the hand-over.
  return [taken, await seen('joins', plannedMs, sinceBack, sinceBackClock, stayed)];
}

async function allRun(cluster: ClusterUnderTest, names: readonly string[]): Promise<void> {
  const all = async () => {
    const view = await cluster.status('a0').catch(() => null);
    const owners = new Set(view?.partitions.map(({ owner }) => owner));
    return view !== null && view.partitions.length === 9 && names.every((name) => owners.has(name)) && !owners.has(null);
  };
  await until(all, 120_000, 'not every agent has its share');
}

async function waiting(cluster: ClusterUnderTest): Promise<number> {
  const { partitions } = await cluster.status('a0');
  return partitions.reduce((sum, { entries, outboxItems }) => sum + entries + outboxItems, 0);
}

const watcher = fileURLToPath(new URL('loop-watch.mjs', import.meta.url));

function watched(cluster: ClusterUnderTest, agent: string): NodeJS.ProcessEnv {
  return { NODE_OPTIONS: `--import=${watcher}`, LOOP_WATCH: join(cluster.options.folder, `loop-${agent}`) };
}

async function longestBlock(cluster: ClusterUnderTest, agents: readonly string[], since: number): Promise<number> {
  const texts = await Promise.all(agents.map((agent) => readFile(join(cluster.options.folder, `loop-${agent}`), 'utf8')));
  const lines = texts.flatMap((text) =>
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' ').map(Number)),
  );
  return Math.max(0, ...lines.flatMap(([at = 0, ms = 0]) => (at > since ? [ms] : [])));
}
