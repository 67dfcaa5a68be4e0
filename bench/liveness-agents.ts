import { mkdir, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { startServers } from '../test/cluster/servers.ts';
import { pause, until } from '../test/faults/until.ts';
import { freePort } from '../test/services/free-port.ts';
import { BenchCluster, exchange, queue } from './cluster-agents.ts';
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
const perNotification = 500;
const hostsPerFile = 20_000;
const intervalMs = 60_000;
/** Interval, tolerance and slack. */
const lateAfterMs = intervalMs + 10_000 + 10_000;
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
  try {
    const channel = await connection.createConfirmChannel();
    await channel.assertExchange(exchange, 'topic', { durable: true });
    await channel.assertQueue(queue, { durable: true });
    await channel.bindQueue(queue, exchange, queue);
    await cluster.listening(channel);
    const known = 'ceilograph_liveness_inventory_hosts';
    await until(async () => (await metric(ports, known)) === hosts * agents, 120_000, 'the agents do not know all hosts');
    const lots = new Lots(hosts, services);
    let sent = 0;
    const send = (lot: number) => {
      sent += 1;
      channel.publish(exchange, queue, Buffer.from(lots.notification(lot, sent)), { persistent: true });
    };
    const sendAll = async () => {
      for (let lot = 0; lot < lots.count; lot++) {
        send(lot);
        if (lot % 20 === 19) await channel.waitForConfirms();
      }
      await channel.waitForConfirms();
      await cluster.rawTaken(channel);
    };
    await sendAll();

    const told = new Told(join(folder, 'out.jsonl'));
    const watch = setInterval(() => told.look(), 10);
    /** When whoever is silent was heard last. */
    const heardAt = new Map<string, number>();
    const cpu = () => cluster.pids.map((pid) => cpuSeconds(pid));
    const began = performance.now();
    const before = cpu();
    const whole = minutes * 60_000;
    // A host that is new has two minutes.
    const mayFallSilent = (at: number) => at > intervalMs && at < whole - lateAfterMs - 10_000;
    let [rss, nextLot] = [0, 0];
    for (let now = 0; now < whole; now = performance.now() - began) {
      for (const due = (now / intervalMs) * lots.count; nextLot < due; nextLot++) {
        const lot = nextLot % lots.count;
        send(lot);
        // One service of one host of every seventh lot is not heard again.
        if (nextLot % 7 === 0 && mayFallSilent(now)) {
          const silenced = lots.silence(lot);
          if (silenced !== null) heardAt.set(silenced, performance.now());
        }
      }
      rss = Math.max(rss, ...cluster.pids.map(rssAnonMiB));
      await pause(10);
    }
    const cores = cpu().map((each, i) => ((each - (before[i] ?? 0)) * 1_000) / (performance.now() - began));
    const reportsPerSecond = (nextLot * perNotification * 1_000) / (performance.now() - began);
    await channel.waitForConfirms();
    const detected = [...heardAt].map(
      ([who, heard]) => (told.at.get(`service.late ${who}`) ?? Number.POSITIVE_INFINITY) - heard - lateAfterMs,
    );
    const falseAlarms = [...told.at.keys()].filter((key) => !heardAt.has(key.slice(key.indexOf(' ') + 1))).length;

    const byRequests = await oneByOne(http, cluster.pids);

    // Once more everybody, as fast as they are taken, and then nobody.
    await sendAll();
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
    const list = JSON.parse(await get(ports[0], '/v1/hosts?limit=1')) as { byStatus: Readonly<Record<string, number>> };
    const unreachable = list.byStatus['unreachable'] ?? 0;
    const stormEvents = told.at.size - eventsBefore;
    clearInterval(watch);
    return {
      reportsPerSecond,
      cores: Math.max(...cores),
      rssAnonMiB: rss,
      detectedMs: { late: detected.length, p50: percentile(detected, 0.5), p99: percentile(detected, 0.99) },
      falseAlarms,
      stormStatesMs: changedAt - last,
      unreachable,
      stormToldMs,
      stormEvents,
      oneByOne: byRequests,
    };
  } finally {
    await connection.close();
    await cluster.end();
    await servers.stop();
  }
}

/** The texts of some files, since one may not be larger than a mebibyte. */
function inventory(hosts: number, services: number): readonly string[] {
  const names = serviceNames(services).map((name) => `${name}: { interval: ${intervalMs}ms, tolerance: 10s }`);
  const texts = [`templates:\n  t: { services: { ${names.join(', ')} } }\ngroups:\n  all: { templates: [t] }\n`];
  for (let first = 0; first < hosts; first += hostsPerFile) {
    const lines = Array.from(
      { length: Math.min(hostsPerFile, hosts - first) },
      (_, i) => `  host-${first + i}: { groups: [all] }`,
    );
    texts.push(`hosts:\n${lines.join('\n')}\n`);
  }
  return texts;
}

function serviceNames(services: number): readonly string[] {
  return ['uptime', ...Array.from({ length: services - 1 }, (_, i) => `service-${i}`)];
}

interface Report {
  readonly host: string;
  readonly service: string;
}

/** What everybody reports in a minute, cut into notifications. */
class Lots {
  readonly #lots: Report[][] = [];
  readonly #texts: string[] = [];

  constructor(hosts: number, services: number) {
    const names = serviceNames(services);
    const perLot = Math.ceil(perNotification / services);
    for (let first = 0; first < hosts; first += perLot) {
      const members = Array.from({ length: Math.min(perLot, hosts - first) }, (_, i) => `host-${first + i}`);
      const reports = members.flatMap((host) => names.map((service) => ({ host, service })));
      this.#texts.push(JSON.stringify({ reports }));
      this.#lots.push(reports);
    }
  }

  get count(): number {
    return this.#lots.length;
  }

  notification(lot: number, number: number): string {
    const timestamp = new Date().toISOString();
    const head = {
      message_id: `reports-${number}`,
      publisher_id: 'bench',
      event_type: 'ceilograph.reports',
      priority: 'INFO',
      timestamp,
    };
    return `${JSON.stringify(head).slice(0, -1)},"payload":${this.#texts[lot]}}`;
  }

  /** One service of the lot, not `uptime`, is not in it from now on: which, as `host/service`; null when one is silent already. */
  silence(lot: number): string | null {
    const reports = this.#lots[lot] ?? [];
    if (reports.length % 10 !== 0) return null;
    const [gone] = reports.splice(1, 1);
    if (gone === undefined) return null;
    this.#texts[lot] = JSON.stringify({ reports });
    return `${gone.host}/${gone.service}`;
  }
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

function get(port: number | undefined, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => (text += piece));
      answer.on('end', () => resolve(text));
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Summed over all agents and series that begin so and have this label. */
async function metric(ports: readonly number[], begin: string, label = ''): Promise<number> {
  const texts = await Promise.all(ports.map((port) => get(port, '/metrics')));
  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line.startsWith(begin) && line.includes(label));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Requests of one report each over 32 connections. */
async function oneByOne(port: number, pids: readonly number[]): Promise<AgentsFigures['oneByOne']> {
  const reports = 10_000;
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const cpu = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const [before, began] = [cpu(), performance.now()];
  let next = 0;
  const worker = async () => {
    while (next < reports) {
      const status = await post(agent, port, JSON.stringify({ host: `host-${next++}`, service: 'uptime' }));
      if (status !== 202) throw new Error(`a report was answered with ${status}`);
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  const seconds = (performance.now() - began) / 1_000;
  agent.destroy();
  return { perSecond: reports / seconds, cpuMicros: ((cpu() - before) * 1e6) / reports };
}

function post(agent: Agent, port: number, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const asked = request({ agent, host: '127.0.0.1', port, path: '/v1/reports', method: 'POST', headers }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
