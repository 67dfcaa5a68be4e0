import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ClusterUnderTest } from '../test/cluster/cluster-under-test.ts';
import { Feeder } from '../test/cluster/feeder.ts';
import { startServers } from '../test/cluster/servers.ts';
import { pause, until } from '../test/faults/until.ts';
import { readLines } from '../test/liveness/told.ts';
import { type Bar, bar, barLines } from './bars.ts';
import { endTogether } from './children.ts';
import { measureCore } from './liveness-core.ts';
import { cpuSeconds, machine, machineLine, percentile, rounded, rssAnonMiB } from './process-figures.ts';
import { scratchFolder } from './scratch.ts';

/**
 * What watching hosts costs: first judging alone, in this process; then two agents on RabbitMQ and Redis while every service of every host
 * reports once a minute, in batches of 500. Hosts that stop one by one show how late they are found, and in the end all of them stop at once.
 * Generator, broker and Redis are not counted.
 *
 *     node --import tsx bench/liveness.ts [--json] [--hosts 100000] [--services 10] [--seconds 300] [--core-only]
 */
endTogether(process.ppid);
const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    hosts: { type: 'string', default: '100000' },
    services: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '300' },
    'core-only': { type: 'boolean' },
  },
});
const [hosts, services, seconds] = [Number(values.hosts), Number(values.services), Number(values.seconds)];
const [intervalS, toleranceS, slackS, holdS] = [60, 10, 10, 30];
const atOnce = 500;
const agents = ['a0', 'a1'];
const begun = machine();
const names = Array.from({ length: hosts }, (_, i) => `host-${i}`);
const serviceNames = ['uptime', ...Array.from({ length: services - 1 }, (_, i) => `service-${i}`)];

const core = measureCore(hosts, services);
process.stderr.write(`judging alone: ${JSON.stringify(core)}\n`);
const found = values['core-only'] === true ? null : await onCluster();
const bars: Bar[] = [
  bar(
    'judging alone: CPU seconds until every state of all hosts is right, both agents’ share together',
    rounded(core.stormStatesSeconds, 2),
    6,
  ),
  bar('one notification of all hosts', core.notifications, 1),
  ...(found === null
    ? []
    : [
        bar('cores per agent', rounded(found.cores, 3), 0.2),
        bar('MiB of its own per agent (RssAnon)', rounded(found.rssAnonMiB, 0), 300),
        bar('seconds from deadline and slack to the finding, p99', rounded(found.detectionP99, 2), 1.5),
        bar('seconds from the last deadline to the last state, all hosts silent', rounded(found.stormStates, 2), 3),
        bar('notifications of all hosts silent', found.storms, 1),
      ]),
];
process.stdout.write(
  `${hosts} hosts × ${services} services, ${hosts * services} deadlines\n${barLines(bars)}\n\n${machineLine(begun)}\n`,
);
if (values.json === true) process.stdout.write(`${JSON.stringify({ name: 'liveness', core, cluster: found, bars })}\n`);
process.exitCode = bars.every(({ held }) => held) ? 0 : 1;

interface ClusterFigures {
  readonly cores: number;
  readonly rssAnonMiB: number;
  readonly detectionP99: number;
  readonly found: number;
  readonly stormStates: number;
  readonly storms: number;
}

async function onCluster(): Promise<ClusterFigures> {
  const folder = scratchFolder();
  const servers = await startServers('bench');
  await mkdir(join(folder, 'liveness'));
  await writeInventory(join(folder, 'liveness'));
  const liveness = { inventory: 'liveness', partitions: 16, slack: `${slackS}s`, hold: `${holdS}s` };
  const pipelines = fileURLToPath(new URL('../test/liveness/pipelines', import.meta.url));
  const timing = 'lease_ttl_ms: 10000, renew_ms: 3000, heartbeat_ms: 3000, rejoin_grace_ms: 0';
  const cluster = await ClusterUnderTest.prepare({
    cluster: 'bench',
    folder,
    servers,
    pipelines,
    timing,
    settings: { liveness },
  });
  const traffic = new Traffic(servers.rabbitmq.url);
  try {
    for (const agent of agents) await cluster.start(agent);
    await until(
      async () => {
        const view = await cluster.status('a0').catch(() => null);
        return (
          view !== null &&
          view.partitions.length > 16 &&
          view.partitions.every(({ owner, entries }) => owner !== null && entries < 5)
        );
      },
      300_000,
      'not every partition runs',
    );
    const running = traffic.run();
    running.catch(() => undefined);
    await pause((intervalS + 15) * 1_000);
    process.stderr.write('measuring\n');
    const pids = (await cluster.status('a0')).members.map(({ pid }) => pid);
    const before = pids.map(cpuSeconds);
    const since = performance.now();
    let rss = 0;
    while (performance.now() - since < seconds * 1_000) {
      traffic.stopOne();
      await pause(Math.max(1_000, (seconds * 1_000) / 60));
      rss = Math.max(rss, ...pids.map(rssAnonMiB));
    }
    const elapsed = (performance.now() - since) / 1_000;
    const cores = Math.max(...pids.map((pid, i) => (cpuSeconds(pid) - (before[i] ?? 0)) / elapsed));
    process.stderr.write('all fall silent\n');
    await traffic.end();
    await running;
    await until(
      async () => (await told(folder)).some(({ reason }) => reason === 'storm'),
      240_000,
      'nobody was told of the storm',
    );
    await pause(5_000);
    const lines = await told(folder);
    const single = lines.flatMap(({ host, at }) => {
      const last = traffic.stopped.get(host);
      return last === undefined ? [] : [(at - last) / 1_000 - intervalS - toleranceS - slackS];
    });
    const { text } = await cluster.run('a0', ['hosts', 'list', '--json']);
    const view = JSON.parse(text) as { readonly hosts: readonly { readonly status: string; readonly since: string }[] };
    const wrong = view.hosts.filter(({ status }) => status !== 'unreachable').length;
    if (wrong > 0) throw new Error(`${wrong} hosts are not unreachable`);
    const lastState = Math.max(...view.hosts.map((each) => Date.parse(each.since)));
    const lastDeadline = traffic.last + (intervalS + toleranceS + slackS) * 1_000;
    return {
      cores,
      rssAnonMiB: rss,
      detectionP99: percentile(single, 0.99),
      found: single.length,
      stormStates: Math.max(0, (lastState - lastDeadline) / 1_000),
      storms: lines.filter(({ reason }) => reason === 'storm').length,
    };
  } finally {
    await cluster.close();
    await traffic.close();
    await servers.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeInventory(folder: string): Promise<void> {
  const listed = serviceNames.map((name) => `${name}: { interval: ${intervalS}s, tolerance: ${toleranceS}s }`).join(', ');
  await writeFile(join(folder, 'all.yaml'), `templates:\n  t: { services: { ${listed} } }\ngroups:\n  all: { templates: [t] }\n`);
  const perFile = 10_000;
  for (let from = 0; from < hosts; from += perFile) {
    const some = names.slice(from, from + perFile).map((host) => `  ${host}: { groups: [all] }`);
    await writeFile(join(folder, `hosts-${from}.yaml`), `hosts:\n${some.join('\n')}\n`);
  }
}

/** Downs with when they were found: the hold comes after that. */
async function told(folder: string): Promise<{ host: string; reason: string; at: number }[]> {
  const lines = await readLines(folder);
  return lines
    .filter(({ type }) => type === 'host.down')
    .map(({ traits }) => ({ host: `${traits['host']}`, reason: `${traits['reason']}`, at: Date.parse(`${traits['since']}Z`) }));
}

/** Each host with all of its services once a minute, spread evenly. */
class Traffic {
  readonly #feeder: Feeder;
  readonly stopped = new Map<string, number>();
  readonly #lastOf = new Map<string, number>();
  readonly #over = new AbortController();
  #stopping = 0;
  #sent = 0;
  last = 0;

  constructor(url: string) {
    this.#feeder = new Feeder(url);
  }

  async run(): Promise<void> {
    const perSecond = hosts / intervalS;
    const start = performance.now();
    let next = 0;
    let reports: { host: string; service: string }[] = [];
    while (!this.#over.signal.aborted) {
      const due = Math.floor(((performance.now() - start) / 1_000) * perSecond);
      for (; next < due; next++) {
        const host = names[next % hosts] as string;
        if (this.stopped.has(host)) continue;
        for (const service of serviceNames) reports.push({ host, service });
        if (reports.length < atOnce) continue;
        await this.#send(reports);
        reports = [];
      }
      await pause(20);
    }
    if (reports.length > 0) await this.#send(reports);
  }

  async #send(reports: readonly { readonly host: string; readonly service: string }[]): Promise<void> {
    this.#sent += 1;
    const id = `reports-${this.#sent}`;
    const head = { message_id: id, publisher_id: 'bench', event_type: 'ceilograph.reports', priority: 'INFO' };
    const body = JSON.stringify({ ...head, timestamp: new Date().toISOString(), payload: { reports } });
    await this.#feeder.feed([{ id, body }]);
    this.last = Date.now();
    for (const { host } of reports) this.#lastOf.set(host, this.last);
  }

  /** One host speaks no more. */
  stopOne(): void {
    const host = names[(this.#stopping * 7919 + 13) % hosts] as string;
    this.#stopping += 1;
    const last = this.#lastOf.get(host);
    if (last !== undefined) this.stopped.set(host, last);
  }

  async end(): Promise<void> {
    this.#over.abort();
  }

  close(): Promise<void> {
    return this.#feeder.close();
  }
}
