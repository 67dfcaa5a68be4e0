import { parseArgs } from 'node:util';
import { type ConfirmChannel, connect } from 'amqplib';
import { type Servers, startServers } from '../test/cluster/servers.ts';
import { atLeast, type Bar, bar, barLines } from './bars.ts';
import { endTogether } from './children.ts';
import { BenchCluster, exchange, queue } from './cluster-agents.ts';
import { polls, sampleBytes } from './cluster-polls.ts';
import { machine, machineLine, percentile, rounded } from './process-figures.ts';
import { redisCeiling } from './redis-ceiling.ts';
import { scratchFolder } from './scratch.ts';

/**
 * What a coordinated cluster costs: RabbitMQ (raw queue and internal topic), Redis with `appendfsync always`, `rate_of_change` over 16
 * partitions, rates into a file. CPU is that of the agents alone, which share the machine with both servers.
 *
 * - `topic`: Redis is away while listeners fill the topic; once it is back the partitions compute what waits there
 * - `raw`: from the raw queue to the file, with few keys, with many, and with four agents
 * - `half`: at half of the rate that `raw` came to, how long until the rate of a sample stands in the file
 *
 *     npm run bench -- cluster [--json] [--notifications 6000] [--keys 1000,100000] [--agents 4]
 *
 * A notification carries ten samples.
 */
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    notifications: { type: 'string', default: '6000' },
    keys: { type: 'string', default: '1000,100000' },
    agents: { type: 'string', default: '4' },
  },
});
const notifications = Number(values.notifications);
const [few = 1_000, many = 100_000] = values.keys.split(',').map(Number);
const perNotification = 10;

interface Run {
  readonly samples: number;
  readonly cpu: number;
  readonly seconds: number;
  readonly rssAnon: number;
}

async function publish(channel: ConfirmChannel, bodies: Iterable<string>): Promise<number> {
  let count = 0;
  for (const body of bodies) {
    count += 1;
    if (!channel.publish(exchange, queue, Buffer.from(body), { persistent: true }))
      await new Promise((resolve) => channel.once('drain', resolve));
  }
  await channel.waitForConfirms();
  return count;
}

/** Polls of `keys` resources, `count` notifications of them, and what they cost from the raw queue to the file. */
async function raw(servers: Servers, channel: ConfirmChannel, agents: number, keys: number, name: string): Promise<Run> {
  const cluster = await BenchCluster.start(servers, scratchFolder(), name, agents);
  try {
    const first = Math.ceil(keys / perNotification);
    const bodies = polls(keys, perNotification);
    // Every key once: it has a state from now on, and no rate yet.
    await publish(channel, take(bodies, first));
    await cluster.quiet(channel);
    return await cluster.measure(async () => {
      await publish(channel, take(bodies, notifications));
      await cluster.lines(notifications * perNotification);
      return notifications * perNotification;
    });
  } finally {
    await cluster.end();
  }
}

async function fromTopic(servers: Servers, channel: ConfirmChannel): Promise<Run> {
  const cluster = await BenchCluster.start(servers, scratchFolder(), 'topic', 1);
  try {
    const bodies = polls(few, perNotification);
    await publish(channel, take(bodies, Math.ceil(few / perNotification)));
    await cluster.quiet(channel);
    await servers.redis.down();
    await publish(channel, take(bodies, notifications));
    await cluster.rawTaken(channel);
    return await cluster.measure(async () => {
      await servers.redis.up();
      await cluster.lines(notifications * perNotification);
      return notifications * perNotification;
    });
  } finally {
    await cluster.end();
  }
}

/** ms from the publish of a sample to its rate in the file. */
async function atHalfLoad(servers: Servers, channel: ConfirmChannel, perSecond: number): Promise<number[]> {
  const cluster = await BenchCluster.start(servers, scratchFolder(), 'half', 1);
  try {
    const bodies = polls(few, perNotification);
    await publish(channel, take(bodies, Math.ceil(few / perNotification)));
    await cluster.quiet(channel);
    const latencies = cluster.latencies();
    const sentAt: number[] = [];
    const began = performance.now();
    const wholeSeconds = 20;
    for (let sent = 0; sent < perSecond * wholeSeconds; ) {
      const due = Math.floor(((performance.now() - began) / 1000) * perSecond);
      for (; sent < due; sent++) {
        sentAt.push(performance.now());
        channel.publish(exchange, queue, Buffer.from(take(bodies, 1).next().value ?? ''), { persistent: true });
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await channel.waitForConfirms();
    await cluster.lines(sentAt.length * perNotification);
    const arrived = latencies.stop();
    return sentAt.map((at, i) => (arrived.get((i + 1) * perNotification) ?? Number.NaN) - at).filter(Number.isFinite);
  } finally {
    await cluster.end();
  }
}

function* take<T>(items: Generator<T>, count: number): Generator<T, undefined> {
  for (let i = 0; i < count; i++) {
    const { value, done } = items.next();
    if (done) return;
    yield value;
  }
}

endTogether();
const begun = machine();
const servers = await startServers('bench');
const connection = await connect(servers.rabbitmq.url, { noDelay: true });
const channel = await connection.createConfirmChannel();
try {
  await channel.assertExchange(exchange, 'topic', { durable: true });
  await channel.assertQueue(queue, { durable: true });
  await channel.bindQueue(queue, exchange, queue);
  const ceiling = await redisCeiling(servers.redis.port);
  const topic = await fromTopic(servers, channel);
  const withFew = await raw(servers, channel, 1, few, 'few');
  const withMany = await raw(servers, channel, 1, many, 'many');
  const withAll = await raw(servers, channel, Number(values.agents), few, 'all');
  const half = await atHalfLoad(servers, channel, withFew.samples / withFew.seconds / perNotification / 2);
  report({ ceiling, topic, withFew, withMany, withAll, half });
} finally {
  await connection.close();
  await servers.stop();
}

function report(found: {
  readonly ceiling: { readonly perSecond: number; readonly commitMs: number };
  readonly topic: Run;
  readonly withFew: Run;
  readonly withMany: Run;
  readonly withAll: Run;
  readonly half: readonly number[];
}): void {
  const perCpu = ({ samples, cpu }: Run) => Math.round(samples / cpu);
  const per100k = ({ samples, cpu }: Run) => rounded((cpu / samples) * 1e5, 2);
  const { topic, withFew, withMany, withAll, half, ceiling } = found;
  const row = (label: string, run: Run) =>
    `  ${label.padEnd(38)}${`${perCpu(run)}`.padStart(9)}${`${per100k(run)}`.padStart(9)}${`${Math.round(run.samples / run.seconds)}`.padStart(9)}${run.rssAnon.toFixed(0).padStart(9)}`;
  const bars: Bar[] = [
    atLeast('samples per CPU second of the agents, topic to file', perCpu(topic), 50_000),
    atLeast('samples per CPU second of the agents, raw queue to file', perCpu(withFew), 30_000),
    bar(`cost per sample with ${many} keys against ${few}`, rounded(per100k(withMany) / per100k(withFew), 2), 1.3),
    bar(`cost per sample with ${values.agents} agents against one`, rounded(per100k(withAll) / per100k(withFew), 2), 1.3),
    bar('ms from raw queue to published rate at half load, p99', rounded(percentile(half, 0.99), 0), 250),
  ];
  console.log(`A coordinated cluster, ${notifications} notifications of ${perNotification} samples of ${sampleBytes()} bytes each

  ${' '.repeat(38)}per CPU-s  s/100k    per s  RssAnon
${row('topic → file, 1 agent', topic)}
${row(`raw queue → file, 1 agent, ${few} keys`, withFew)}
${row(`raw queue → file, 1 agent, ${many} keys`, withMany)}
${row(`raw queue → file, ${values.agents} agents, ${few} keys`, withAll)}

  at half load, published → rate in the file: p50 ${percentile(half, 0.5).toFixed(0)} ms, p99 ${percentile(half, 0.99).toFixed(0)} ms
  Redis alone, appendfsync always: ${ceiling.perSecond} commits/s over 16 connections, ${ceiling.commitMs} ms one after the other
`);
  console.log(machineLine(begun));
  console.log(barLines(bars));
  const figures = {
    name: 'cluster',
    cpuSecondsPer100k: per100k(withFew),
    perSecond: Math.round(withFew.samples / withFew.seconds),
    p50Ms: rounded(percentile(half, 0.5), 0),
    p99Ms: rounded(percentile(half, 0.99), 0),
    rssAnonMiB: rounded(withFew.rssAnon, 0),
    samplesPerCpuSecond: { topic: perCpu(topic), raw: perCpu(withFew), manyKeys: perCpu(withMany), agents: perCpu(withAll) },
    redis: ceiling,
  };
  if (values.json) console.log(JSON.stringify({ ...figures, bars, machine: begun, loadAtTheEnd: machine().load }));
}
