import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { loadSetup } from '../../src/config/load-setup.ts';
import { seeded } from '../faults/random.ts';
import { pause, until } from '../faults/until.ts';
import { judge, type Verdict } from '../faults/verdict.ts';
import { type ClockShift, shiftedClock } from '../services/clock-shift.ts';
import { throughProxy } from '../services/kafka.ts';
import { startProxy, type TcpProxy } from '../services/tcp-proxy.ts';
import { type ClusterOptions, ClusterUnderTest } from './cluster-under-test.ts';
import { Feeder } from './feeder.ts';
import { checkRouting, fromRaw, fromRecordings, type Routed } from './recorded.ts';
import { type Bus, type Servers, startServers } from './servers.ts';
import { afterwards, type Raw, traffic } from './traffic.ts';
import { type Arrived, compareWithFile, startWebTarget, type WebTarget } from './web-target.ts';

export interface TrialOptions
  extends Pick<
    ClusterOptions,
    'pipelines' | 'partitions' | 'latenessMs' | 'timing' | 'prefetch' | 'recovery' | 'sinks' | 'withoutInputs'
  > {
  readonly id: string;
  readonly agents: number;
  readonly bus?: Bus;
  readonly notifications: number;
  readonly perSecond?: number;
  readonly instances?: number;
  /** How a healthy cluster may take at the end. */
  readonly settleMs?: number;
  /** Sinks whose outputs do not depend on the order in which listeners took the notifications. */
  readonly orderFree?: readonly string[];
  /** What happens while the notifications come. The cluster is healthy again when it resolves. */
  readonly during?: (trial: Running) => Promise<void>;
  /** Between each agent and its servers there is a wire that may be cut. */
  readonly wires?: boolean;
  /** Redis has a replica behind a wire, and sentinels that promote it. */
  readonly sentinels?: boolean;
  /** Of each agent, and of Redis, the wall clock may be set. */
  readonly clocks?: boolean;
  /** Of this sink everything goes to a web server as well, behind a wire. */
  readonly web?: string;
  /** More of the environment of an agent. */
  readonly env?: (agent: string) => NodeJS.ProcessEnv;
  /** Notifications come in another order, up to so many places away. */
  readonly shuffled?: number;
  /** Every notification so many times. */
  readonly copies?: number;
  /** Items that end the process of whoever applies them: as many stand in the dead letters and in no recording. */
  readonly deadly?: number;
}

export interface Wires {
  readonly amqp: TcpProxy;
  readonly redis: TcpProxy;
  /** To the queue of notifications. */
  readonly raw: TcpProxy;
}

export interface Running {
  readonly cluster: ClusterUnderTest;
  readonly servers: Servers;
  readonly feeder: Feeder;
  readonly names: readonly string[];
  /** By agent; empty without `wires`. */
  readonly wires: ReadonlyMap<string, Wires>;
  /** From all agents to Kafka, with `wires` and where the topics are there. */
  readonly kafkaWire: TcpProxy | undefined;
  readonly web: WebTarget | undefined;
  /** By agent; empty without `clocks`. Redis' is with the servers. */
  readonly clocks: ReadonlyMap<string, ClockShift>;
}

export interface Trial {
  readonly published: number;
  /** Against one process that replays the recorded partitions. */
  readonly recorded: Verdict;
  /** Against one process that replays the raw input; of the order-free sinks. */
  readonly raw: Verdict | null;
  readonly routed: Routed;
  /** What is at the web server, against the file of the same sink. */
  readonly web: Arrived | null;
  /** Dead letters of all agents. */
  readonly buried: number;
  readonly left: number;
  readonly logs: string;
  readonly folder: string;
}

const hourMs = 3_600_000;

/** A cluster of its own servers, notifications, whatever happens to it, and what came of them. */
export async function trial(options: TrialOptions): Promise<Trial> {
  const name = `t${options.id.toLowerCase()}`;
  const folder = await mkdtemp(join(tmpdir(), `ceilograph-${name}-`));
  const servers = await startServers(name, { ...options, clocks: options.clocks === true ? folder : undefined });
  const names = Array.from({ length: options.agents }, (_, i) => `a${i}`);
  const wires = options.wires === true ? await stretchWires(names, servers) : new Map<string, Wires>();
  const toKafka = options.wires === true && servers.kafka !== undefined ? await throughProxy() : undefined;
  const clocks = options.clocks === true ? await clocksOf(names, folder) : new Map<string, ClockShift>();
  const web = options.web === undefined ? undefined : await startWebTarget();
  const cluster = await ClusterUnderTest.prepare({
    ...options,
    ...(web && { alsoTo: { sink: options.web ?? '', line: web.line } }),
    cluster: name,
    folder,
    servers,
    kafka: servers.kafka === undefined ? undefined : [toKafka?.broker ?? servers.kafka.broker],
    amqpUrl: (agent) => through(servers.rabbitmq.url, wires.get(agent)?.amqp),
    redisUrl: (agent) => through(servers.redis.url, wires.get(agent)?.redis),
    inputUrl: (agent) => through(servers.rabbitmq.url, wires.get(agent)?.raw),
    env: (agent) => ({ ...clocks.get(agent)?.env, ...options.env?.(agent) }),
  });
  const feeder = new Feeder(...servers.nodes.map(({ url }) => url));
  let exact = false;
  try {
    for (const agent of names) await cluster.start(agent);
    await feedThrough(options, { cluster, servers, feeder, names, wires, kafkaWire: toKafka?.proxy, web, clocks });
    await settled(cluster, servers, names[0] ?? '', options.settleMs ?? 120_000);
    await cluster.stopAll();
    const result = await judged(options, cluster, name, feeder);
    const arrived = web === undefined ? null : await compareWithFile(web, cluster.outputs, options.web ?? '');
    const left = await leftInRawQueue(servers.rabbitmq.url);
    exact = isGood({ ...result, left });
    return { ...result, left, web: arrived, buried: await lettersOf(cluster, names), logs: await logsOf(cluster, names), folder };
  } finally {
    await cluster.close();
    await feeder.close();
    for (const wire of wires.values()) await Promise.all([wire.amqp.close(), wire.redis.close(), wire.raw.close()]);
    await toKafka?.proxy.close();
    await web?.close();
    await servers.stop();
    if (exact) await rm(folder, { recursive: true, force: true });
    else console.error(`outputs, recordings, data and logs are left in ${folder}`);
  }
}

/** At least so many notifications, and on until whatever happens is over. */
async function feedThrough(options: TrialOptions, running: Running): Promise<void> {
  const { feeder, cluster, servers, names } = running;
  const { instances = 200, copies = 1, notifications, perSecond } = options;
  const startMs = Date.now() - 30 * 24 * hourMs;
  const over = new AbortController();
  const all = traffic(options.during === undefined ? notifications : Number.POSITIVE_INFINITY, instances, startMs);
  const feeding = feeder.feed(
    shuffled(repeated(all, copies), options.shuffled ?? 1),
    perSecond,
    (sent) => over.signal.aborted && sent >= notifications * copies,
  );
  feeding.catch(() => undefined);
  try {
    await healthy(cluster, names);
    await options.during?.(running);
  } finally {
    over.abort();
  }
  await feeding;
  // Whoever waits for event time to pass: it passes. Not before all is applied, or what one listener still has would come too late.
  await settled(cluster, servers, names[0] ?? '', options.settleMs ?? 120_000);
  const rounds = Math.ceil(feeder.published.length / copies / instances) + 1;
  await feeder.feed(afterwards(rounds, instances, startMs, hourMs));
}

function* repeated(raws: Iterable<Raw>, copies: number): Generator<Raw> {
  for (const raw of raws) for (let i = 0; i < copies; i++) yield raw;
}

/** Always the same other order. */
function* shuffled(raws: Iterable<Raw>, within: number): Generator<Raw> {
  const random = seeded(within);
  let window: Raw[] = [];
  for (const raw of raws) {
    window.push(raw);
    if (window.length < within) continue;
    yield* window.sort(() => random() - 0.5);
    window = [];
  }
  yield* window;
}

async function clocksOf(names: readonly string[], folder: string): Promise<Map<string, ClockShift>> {
  const clocks = new Map<string, ClockShift>();
  for (const name of names) clocks.set(name, await shiftedClock(folder, name));
  return clocks;
}

async function stretchWires(names: readonly string[], servers: Servers): Promise<Map<string, Wires>> {
  const wires = new Map<string, Wires>();
  for (const name of names) {
    const { rabbitmq, redis } = servers;
    wires.set(name, { amqp: await wireTo(rabbitmq.url), redis: await wireTo(redis.url), raw: await wireTo(rabbitmq.url) });
  }
  return wires;
}

function wireTo(url: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(url);
  return startProxy({ host: hostname, port: Number(port) });
}

function through(url: string, wire: TcpProxy | undefined): string {
  if (wire === undefined) return url;
  const changed = new URL(url);
  changed.port = String(wire.port);
  return changed.href;
}

async function judged(options: TrialOptions, cluster: ClusterUnderTest, name: string, feeder: Feeder) {
  const setup = await loadSetup({ config: cluster.configFile('a0') }, {});
  const recorded = await judge(await fromRecordings(setup, name, cluster.recordings, cluster.formerSinks), cluster.outputs);
  const orderFree = new Set(options.orderFree ?? []);
  const raw =
    orderFree.size === 0 ? null : await judge(fromRaw(setup, name, feeder.published, orderFree), cluster.outputs, orderFree);
  const routed = await checkRouting(setup, cluster.recordings, feeder.published);
  for (const { sink } of setup.sinks)
    if (!(sink in recorded.files)) throw new Error(`sink ${sink} has no output: it was not put to the test`);
  const inTheirLetters = routed.missing.length === options.deadly;
  const where = inTheirLetters ? { ...routed, missing: [] } : routed;
  return { published: feeder.published.length, recorded, raw, routed: where };
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

/** Everybody is there and every partition has an owner: what is hurt before that is not the cluster. */
async function healthy(cluster: ClusterUnderTest, names: readonly string[]): Promise<void> {
  await until(
    async () => {
      const view = await cluster.status(names[0] ?? '').catch(() => null);
      if (view === null || view.members.length < names.length || view.partitions.length === 0) return false;
      return view.partitions.every(({ owner }) => owner !== null);
    },
    120_000,
    'the cluster is not healthy',
  );
}

/** Nothing waits in a partition or an outbox and no output comes any more; or time is up, and what is missing then is lost. */
async function settled(cluster: ClusterUnderTest, servers: Servers, name: string, withinMs: number): Promise<void> {
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
    if (calm >= 2) return;
    if (performance.now() > end) return;
    await pause(1_000);
  }
}

/** Of all files in it. */
export async function sizeOf(folder: string): Promise<number> {
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

async function lettersOf(cluster: ClusterUnderTest, names: readonly string[]): Promise<number> {
  let letters = 0;
  for (const name of names) letters += (await cluster.status(name)).deadLetters.letters;
  return letters;
}

async function logsOf(cluster: ClusterUnderTest, names: readonly string[]): Promise<string> {
  return (await Promise.all(names.map((name) => cluster.log(name)))).join('');
}

export function describeTrial({ published, recorded, raw, routed, left, buried }: Trial): string {
  const { outputs, lost, invented, wrong, doubled } = recorded;
  const lines = [
    `${published} notifications, ${outputs} outputs as the recordings say: lost ${lost.length}, invented ${invented.length}, wrong ${wrong.length}, repeated lines ${doubled}`,
    `topics: ${routed.right} items in their places, ${routed.wrong.length} in others, ${routed.missing.length} missing; left in the raw queue ${left}, dead letters ${buried}`,
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
