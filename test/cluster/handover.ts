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
const loopMs = 50;

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

/** Prints the figures; throws what is not within its bound. */
export async function handOvers(): Promise<string> {
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
    const amiss: string[] = [];
    for (const way of ways) amiss.push(...(await measured(way, cluster, watch, big, units, names)));
    await watch.close();
    over = true;
    await feeding;
    if (amiss.length > 0) throw new Error(amiss.join('; '));
    return `${ways.length} ways, ${keys} keys`;
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
  units: readonly string[],
  names: readonly string[],
): Promise<readonly string[]> {
  await allRun(cluster, names);
  // What a join moved has settled, and the loops are calm.
  await pause(10_000);
  const { partitions } = await cluster.status('a0');
  const owner = partitions.find(({ unit }) => unit === big)?.owner ?? '';
  const others = partitions.flatMap((partition) => (partition.owner === owner ? [] : [partition.unit]));
  const calmSince = performance.now();
  await pause(5_000);
  const calm = Math.max(...others.map((unit) => watch.longestPause(unit, calmSince)));
  const calmLoop = await longestBlock(cluster, names, Date.now() - 5_000);
  const since = performance.now();
  const sinceClock = Date.now();
  await way.take(cluster, owner);
  await until(() => watch.handOver(big, since) !== null, way.withinMs + 30_000, `${way.name}: nobody goes on`);
  const { ms = Number.POSITIVE_INFINITY } = watch.handOver(big, since) ?? {};
  await pause(1_000);
  const disturbed = Math.max(...others.map((unit) => watch.longestPause(unit, since)));
  const loop = await longestBlock(
    cluster,
    names.filter((each) => each !== owner || way.planned),
    sinceClock,
  );
  await way.giveBack(cluster, owner);
  console.log(
    `${way.name}: the partition of ${keys} keys stood still for ${ms.toFixed(0)} ms (at most ${way.withinMs}); the others for ${disturbed.toFixed(0)} ms at most, ` +
      `before ${calm.toFixed(0)}; longest block of an event loop ${loop.toFixed(0)} ms, before ${calmLoop.toFixed(0)} (${units.length} partitions, owner ${owner})`,
  );
  const amiss: string[] = [];
  if (ms > way.withinMs) amiss.push(`${way.name}: ${ms.toFixed(0)} ms instead of ${way.withinMs}`);
  if (disturbed > Math.max(plannedMs, 2 * calm)) amiss.push(`${way.name}: others stood still for ${disturbed.toFixed(0)} ms`);
  if (loop > Math.max(loopMs, 1.5 * calmLoop)) amiss.push(`${way.name}: an event loop stood still for ${loop.toFixed(0)} ms`);
  return amiss;
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
