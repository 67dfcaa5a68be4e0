import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConfirmChannel, connect } from 'amqplib';
import { startServers } from '../test/cluster/servers.ts';
import { pause, until } from '../test/faults/until.ts';
import { freePort } from '../test/services/free-port.ts';
import { BenchCluster, exchange, queue } from './cluster-agents.ts';
import { intervalMs, inventory, Lots, perNotification, toleranceMs } from './liveness-reports.ts';
import { cpuSeconds, percentile, rssAnonMiB } from './process-figures.ts';
import { scratchFolder } from './scratch.ts';
import { Tail } from './tail.ts';

export interface AgentsFigures {
  readonly reportsPerSecond: number;
  /** Of the agent that took more. */
  readonly cores: number;
  readonly rssAnonMiB: number;
  /** From the moment a service is late, deadline and slack, to its event in the file. */
  readonly detectedMs: { readonly late: number; readonly p50: number; readonly p99: number };
  /** Events of hosts that reported. */
  readonly falseAlarms: number;
  /** All silent: from the last deadline, slack included, until no state changed any more. */
  readonly stormStatesMs: number;
  readonly unreachable: number;
  /** From the last deadline to the notification, hold included. */
  readonly stormToldMs: number;
  readonly stormEvents: number;
  /** One by one, each a request of its own. */
  readonly oneByOne: { readonly perSecond: number; readonly cpuMicros: number };
}

const agents = 2;
const slackMs = 10_000;
const lateAfterMs = intervalMs + toleranceMs + slackMs;
const holdMs = 30_000;

/** Hosts that report through RabbitMQ in lots of 500 to two built agents: what that costs, and how soon what is silent is told. */
export async function measureAgents(hosts: number, services: number, minutes: number): Promise<AgentsFigures> {
  const servers = await startServers('fleet');
  const folder = scratchFolder();
  await mkdir(join(folder, 'hosts'));
  for (const [i, text] of inventory(hosts, services).entries()) await writeFile(join(folder, 'hosts', `${i}.yaml`), text);
  const ports = await Promise.all(Array.from({ length: agents }, () => freePort()));
  const http = await freePort();
  const cluster = await BenchCluster.start(servers, folder, 'fleet', agents, {
    pipeline: `sink: told\nfrom: events\nmatch: ["host.*", "service.*", "feed.*"]\npublish: [{ file: { path: out.jsonl } }]\n`,
    settings: (agent) => ({
      liveness: { inventory: 'hosts', hold: `${holdMs}ms` },
      admin: { listen: `127.0.0.1:${ports[agent]}` },
    }),
    inputs: (agent) => (agent === 0 ? [{ http: { port: http } }] : []),
  });
  const connection = await connect(servers.rabbitmq.url, { noDelay: true });
  const told = new Told(join(folder, 'out.jsonl'));
  const watch = setInterval(() => told.look(), 10);
  try {
    const channel = await connection.createConfirmChannel();
    await channel.assertExchange(exchange, 'topic', { durable: true });
    await channel.assertQueue(queue, { durable: true });
    await channel.bindQueue(queue, exchange, queue);
    await cluster.listening(channel);
    await until(async () => sum(await statesOf(ports)) === hosts, 120_000, 'the partitions do not know all hosts');
    const fleet: Fleet = { cluster, channel, ports, told, lots: new Lots(hosts, services) };
    await reportAll(fleet);
    return {
      ...(await steady(fleet, minutes)),
      oneByOne: await oneByOne(http, cluster.pids),
      ...(await allSilent(fleet)),
    };
  } finally {
    clearInterval(watch);
    await connection.close();
    await cluster.end();
    await servers.stop();
  }
}

interface Fleet {
  readonly cluster: BenchCluster;
  readonly channel: ConfirmChannel;
  readonly ports: readonly number[];
  readonly told: Told;
  readonly lots: Lots;
}

function report({ channel, lots }: Fleet, lot: number): void {
  channel.publish(exchange, queue, Buffer.from(lots.notification(lot)), { persistent: true });
}

/** Everybody once, as fast as they are taken. */
async function reportAll(fleet: Fleet): Promise<void> {
  const { channel, cluster, lots } = fleet;
  for (let lot = 0; lot < lots.count; lot++) {
    report(fleet, lot);
    if (lot % 20 === 19) await channel.waitForConfirms();
  }
  await channel.waitForConfirms();
  await cluster.rawTaken(channel);
}

/** Everybody once in an interval, evenly, but for those who fall silent one by one. */
async function steady(fleet: Fleet, minutes: number) {
  const { cluster, channel, lots, told } = fleet;
  /** When whoever is silent was heard last. */
  const heardAt = new Map<string, number>();
  const cpu = () => cluster.pids.map((pid) => cpuSeconds(pid));
  const began = performance.now();
  const before = cpu();
  const whole = minutes * 60_000;
  // A host that is new has two minutes.
  const mayFallSilent = (at: number) => at > intervalMs && at < whole - lateAfterMs - 10_000;
  let [rss, next] = [0, 0];
  for (let now = 0; now < whole; now = performance.now() - began) {
    for (const due = (now / intervalMs) * lots.count; next < due; next++) {
      const lot = next % lots.count;
      report(fleet, lot);
      // One service of one host of every seventh lot is not heard again.
      const silenced = next % 7 === 0 && mayFallSilent(now) ? lots.silence(lot) : null;
      if (silenced !== null) heardAt.set(silenced, performance.now());
    }
    rss = Math.max(rss, ...cluster.pids.map(rssAnonMiB));
    await pause(10);
  }
  const tookMs = performance.now() - began;
  const cores = cpu().map((each, i) => ((each - (before[i] ?? 0)) * 1_000) / tookMs);
  await channel.waitForConfirms();
  const toldAt = (who: string) => told.at.get(`service.late ${who}`) ?? Number.POSITIVE_INFINITY;
  const detected = [...heardAt].map(([who, heard]) => toldAt(who) - heard - lateAfterMs);
  return {
    reportsPerSecond: (next * perNotification * 1_000) / tookMs,
    cores: Math.max(...cores),
    rssAnonMiB: rss,
    detectedMs: { late: detected.length, p50: percentile(detected, 0.5), p99: percentile(detected, 0.99) },
    falseAlarms: [...told.at.keys()].filter((key) => !heardAt.has(key.slice(key.indexOf(' ') + 1))).length,
  };
}

/** Everybody is heard once more, and then nobody. */
async function allSilent(fleet: Fleet) {
  const { ports, told } = fleet;
  await reportAll(fleet);
  const last = performance.now() + lateAfterMs;
  const eventsBefore = told.at.size;
  let [changes, changedAt] = [0, 0];
  const stormTold = async () => {
    const now = await metric(ports, 'ceilograph_published_total{', 'sink="liveness"');
    if (now !== changes) [changes, changedAt] = [now, performance.now()];
    return told.storms.length > 0;
  };
  await until(stormTold, lateAfterMs + holdMs + 60_000, 'nobody was told that all are silent');
  const stormToldMs = (told.storms[0] ?? Number.NaN) - last;
  await pause(3_000);
  return {
    stormStatesMs: changedAt - last,
    unreachable: (await statesOf(ports))['unreachable'] ?? 0,
    stormToldMs,
    stormEvents: told.at.size - eventsBefore,
  };
}

interface EventLine {
  readonly event_type: string;
  readonly traits: readonly (readonly [name: string, dtype: number, value: unknown])[];
}

/** When which event was first seen in the file. */
class Told {
  readonly #tail: Tail;
  readonly at = new Map<string, number>();
  readonly storms: number[] = [];

  constructor(path: string) {
    this.#tail = new Tail(path);
  }

  look(): void {
    const now = performance.now();
    for (const line of this.#tail.lines()) {
      const { event_type, traits } = JSON.parse(line) as EventLine;
      const trait = (name: string) => traits.find(([each]) => each === name)?.[2];
      if (trait('reason') === 'storm') this.storms.push(now);
      const key = `${event_type} ${trait('host') ?? ''}/${trait('service') ?? ''}`;
      if (!this.at.has(key)) this.at.set(key, now);
    }
  }
}

/** How many hosts of which state, as the stores have them. */
async function statesOf([port]: readonly number[]): Promise<Readonly<Record<string, number>>> {
  const { byStatus } = JSON.parse(await textOf(port, '/v1/hosts?limit=1')) as { byStatus?: Readonly<Record<string, number>> };
  return byStatus ?? {};
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((all, each) => all + each, 0);
}

async function textOf(port: number | undefined, path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).text();
}

/** Summed over all agents and series that begin so and have this label. */
async function metric(ports: readonly number[], begin: string, label = ''): Promise<number> {
  const texts = await Promise.all(ports.map((port) => textOf(port, '/metrics')));
  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line.startsWith(begin) && line.includes(label));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Requests of one report each, 32 at a time. */
async function oneByOne(port: number, pids: readonly number[]): Promise<AgentsFigures['oneByOne']> {
  const reports = 10_000;
  const cpu = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const [before, began] = [cpu(), performance.now()];
  let next = 0;
  const worker = async () => {
    while (next < reports) {
      const body = JSON.stringify({ host: `host-${next++}`, service: 'uptime' });
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`http://127.0.0.1:${port}/v1/reports`, { method: 'POST', headers, body });
      await answer.arrayBuffer();
      if (answer.status !== 202) throw new Error(`a report was answered with ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  const seconds = (performance.now() - began) / 1_000;
  return { perSecond: reports / seconds, cpuMicros: ((cpu() - before) * 1e6) / reports };
}
