import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import type { ClusterView } from '../../src/agent/cluster-view.ts';
import { loadSetup } from '../../src/config/load-setup.ts';
import { pause } from '../faults/until.ts';
import { judge, type Verdict } from '../faults/verdict.ts';
import { type ClusterOptions, ClusterUnderTest } from './cluster-under-test.ts';
import { Feeder } from './feeder.ts';
import { checkRouting, fromRaw, fromRecordings, type Routed } from './recorded.ts';
import { type Servers, startServers } from './servers.ts';
import { afterwards, traffic } from './traffic.ts';

export interface TrialOptions extends Pick<ClusterOptions, 'pipelines' | 'partitions' | 'timing' | 'recovery'> {
  readonly id: string;
  readonly agents: number;
  readonly notifications: number;
  readonly perSecond?: number;
  readonly instances?: number;
  /** How a healthy cluster may take at the end. */
  readonly settleMs?: number;
  /** Sinks whose outputs do not depend on the order in which listeners took the notifications. */
  readonly orderFree?: readonly string[];
  /** What happens while the notifications come. The cluster is healthy again when it resolves. */
  readonly during?: (trial: Running) => Promise<void>;
  readonly amqpUrl?: (agent: string, servers: Servers) => string;
  readonly redisUrl?: (agent: string, servers: Servers) => string;
}

export interface Running {
  readonly cluster: ClusterUnderTest;
  readonly servers: Servers;
  readonly feeder: Feeder;
  readonly names: readonly string[];
}

export interface Trial {
  readonly published: number;
  /** Against one process that replays the recorded partitions. */
  readonly recorded: Verdict;
  /** Against one process that replays the raw input; of the order-free sinks. */
  readonly raw: Verdict | null;
  readonly routed: Routed;
  readonly letters: number;
  readonly left: number;
  readonly logs: string;
  readonly folder: string;
}

const hourMs = 3_600_000;

/** A cluster of its own servers, notifications, whatever happens to it, and what came of them. */
export async function trial(options: TrialOptions): Promise<Trial> {
  const name = `t${options.id.toLowerCase()}`;
  const folder = await mkdtemp(join(tmpdir(), `ceilograph-${name}-`));
  const servers = await startServers(name);
  const { agents, amqpUrl, redisUrl, notifications, instances = 200 } = options;
  const { amqpUrl: _, redisUrl: __, ...rest } = options;
  const cluster = await ClusterUnderTest.prepare({
    ...rest,
    cluster: name,
    folder,
    servers,
    ...(amqpUrl === undefined ? {} : { amqpUrl: (agent) => amqpUrl(agent, servers) }),
    ...(redisUrl === undefined ? {} : { redisUrl: (agent) => redisUrl(agent, servers) }),
  });
  const feeder = new Feeder(servers.rabbitmq.url);
  const names = Array.from({ length: agents }, (_, i) => `a${i}`);
  let exact = false;
  try {
    const startMs = Date.now() - 30 * 24 * hourMs;
    for (const agent of names) await cluster.start(agent);
    const feeding = feeder.feed(traffic(notifications, instances, startMs), options.perSecond);
    feeding.catch(() => undefined);
    await options.during?.({ cluster, servers, feeder, names });
    await feeding;
    // Whoever waits for event time to pass: it passes. Not before all is applied, or what one listener still has would come too late.
    await settled(cluster, servers, names[0] ?? '', options.settleMs ?? 120_000);
    await feeder.feed(afterwards(Math.ceil(notifications / instances) + 1, instances, startMs, hourMs));
    const view = await settled(cluster, servers, names[0] ?? '', options.settleMs ?? 120_000);
    await cluster.stopAll();
    const result = await judged(options, cluster, name, feeder);
    const left = await leftInRawQueue(servers.rabbitmq.url);
    exact = isGood({ ...result, left });
    return { ...result, left, letters: view?.deadLetters.letters ?? 0, logs: await logsOf(cluster, names), folder };
  } finally {
    await cluster.close();
    await feeder.close();
    await servers.stop();
    if (exact) await rm(folder, { recursive: true, force: true });
    else console.error(`outputs, recordings, data and logs are left in ${folder}`);
  }
}

async function judged(options: TrialOptions, cluster: ClusterUnderTest, name: string, feeder: Feeder) {
  const setup = await loadSetup({ config: cluster.configFile('a0') }, {});
  const recorded = await judge(await fromRecordings(setup, name, cluster.recordings), cluster.outputs);
  const orderFree = new Set(options.orderFree ?? []);
  const raw =
    orderFree.size === 0 ? null : await judge(fromRaw(setup, name, feeder.published, orderFree), cluster.outputs, orderFree);
  const routed = await checkRouting(setup, cluster.recordings, feeder.published);
  for (const { sink } of setup.sinks)
    if (!(sink in recorded.files)) throw new Error(`sink ${sink} has no output: it was not put to the test`);
  return { published: feeder.published.length, recorded, raw, routed };
}

export function isGood({ recorded, raw, routed, left }: Pick<Trial, 'recorded' | 'raw' | 'routed' | 'left'>): boolean {
  const same = (verdict: Verdict) =>
    verdict.outputs > 0 && verdict.lost.length + verdict.invented.length + verdict.wrong.length === 0;
  return (
    same(recorded) &&
    (raw === null || same(raw)) &&
    routed.wrong.length + routed.missing.length === 0 &&
    routed.right > 0 &&
    left === 0
  );
}

/** Nothing waits in a partition or an outbox and no output comes any more; or time is up, and what is missing then is lost. */
async function settled(cluster: ClusterUnderTest, servers: Servers, name: string, withinMs: number): Promise<ClusterView | null> {
  const end = performance.now() + withinMs;
  let before = -1;
  for (let calm = 0; ; ) {
    const written = await sizeOf(cluster.outputs);
    const view = await cluster.status(name).catch(() => null);
    const waits =
      view?.partitions.some(({ entries, outboxItems, owner }) => entries > 50 || outboxItems > 0 || owner === null) ?? true;
    const raw = await rawWaiting(servers.rabbitmq.url);
    calm = waits || raw > 0 || written !== before ? 0 : calm + 1;
    before = written;
    if (calm >= 2) return view;
    if (performance.now() > end) return view;
    await pause(1_000);
  }
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const rawQueue = 'notifications.info';

async function rawWaiting(url: string): Promise<number> {
  const connection = await connect(url);
  try {
    return (await (await connection.createChannel()).checkQueue(rawQueue)).messageCount;
  } finally {
    await connection.close();
  }
}

/** Notifications that nobody has taken, once no agent runs. */
async function leftInRawQueue(url: string): Promise<number> {
  const connection = await connect(url);
  try {
    const channel = await connection.createChannel();
    let left = 0;
    for (;;) {
      const message = await channel.get(rawQueue, { noAck: true });
      if (message === false) return left;
      if (!message.content.includes('ceilograph.canary')) left += 1;
    }
  } finally {
    await connection.close();
  }
}

async function logsOf(cluster: ClusterUnderTest, names: readonly string[]): Promise<string> {
  return (await Promise.all(names.map((name) => cluster.log(name)))).join('');
}

export function describeTrial({ published, recorded, raw, routed, left, letters }: Trial): string {
  const { outputs, lost, invented, wrong, doubled } = recorded;
  const lines = [
    `${published} notifications, ${outputs} outputs as the recordings say: lost ${lost.length}, invented ${invented.length}, wrong ${wrong.length}, repeated lines ${doubled}`,
    `topics: ${routed.right} items in their places, ${routed.wrong.length} in others, ${routed.missing.length} missing; left in the raw queue ${left}, dead letters ${letters}`,
  ];
  if (raw !== null)
    lines.push(
      `as the raw input says: ${raw.outputs} outputs, lost ${raw.lost.length}, invented ${raw.invented.length}, wrong ${raw.wrong.length}`,
    );
  for (const [word, keys] of Object.entries({
    lost,
    invented,
    wrong,
    'raw lost': raw?.lost ?? [],
    'raw invented': raw?.invented ?? [],
    missing: routed.missing,
    misplaced: routed.wrong,
  }))
    for (const key of keys.slice(0, 5)) lines.push(`${word}: ${key}`);
  return lines.join('\n');
}
