import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClusterUnderTest } from '../cluster/cluster-under-test.ts';
import { type Servers, startServers } from '../cluster/servers.ts';
import { until } from '../faults/until.ts';
import { type ClockShift, shiftedClock } from '../services/clock-shift.ts';
import { Reporter } from './reporter.ts';
import { readTold, type Told } from './told.ts';

export interface Running {
  readonly cluster: ClusterUnderTest;
  readonly servers: Servers;
  readonly names: readonly string[];
  readonly clocks: ReadonlyMap<string, ClockShift>;
  readonly reporter: Reporter;
  /** What was told so far. */
  readonly told: () => Promise<Told>;
  /** The inventory of all agents, without this host from now on. */
  readonly forget: (host: string) => Promise<void>;
}

export interface HostsTrial {
  readonly id: string;
  readonly clocks?: boolean;
  readonly recovery?: string;
  /** Begins when a third of the hosts falls silent. The cluster is healthy again when it resolves. */
  readonly during: (running: Running) => Promise<void>;
  /** Hosts that go down together are held and told as one. */
  readonly grouped?: boolean;
}

const hosts = Array.from({ length: 120 }, (_, i) => `host-${i}`);
/** They fall silent. */
export const silent = hosts.slice(0, 40);
/** They report all the time, unless what happens is that they do not. */
export const steady = hosts.slice(40);
const never = 'host-never';
/** Interval, tolerance and slack of a host: it is late after so long. */
export const lateAfterMs = 18_000;
const inventoryOf = (names: readonly string[]) => `templates:
  t: { services: { uptime: { interval: 4s, tolerance: 4s } } }
groups:
  g: { templates: [t] }
hosts:
${names.map((host) => `  ${host}: { groups: [g] }`).join('\n')}
`;
// Without a hold every host is told by itself, so that each can be counted.
const liveness = { inventory: 'liveness', partitions: 4, slack: '10s', first_report: '20s', hold: '0s', storm_hosts: 1_000 };

/**
 * Three agents, real Redis and RabbitMQ, 120 hosts. 40 of them fall silent, something happens meanwhile, and when it is over and they were told as
 * down they speak again. In the end: each of these was told down once and up once, one that never spoke was told down once, and nobody else at all.
 */
export async function hostsTrial(options: HostsTrial): Promise<string> {
  const name = `t${options.id.toLowerCase()}`;
  const folder = await mkdtemp(join(tmpdir(), `ceilograph-${name}-`));
  const servers = await startServers(name, { clocks: options.clocks === true ? folder : undefined });
  const names = ['a0', 'a1', 'a2'];
  const clocks = new Map<string, ClockShift>();
  if (options.clocks === true) for (const each of names) clocks.set(each, await shiftedClock(folder, each));
  await mkdir(join(folder, 'liveness'));
  const known = new Set([...hosts, never]);
  const writeInventory = () => writeFile(join(folder, 'liveness', 'hosts.yaml'), inventoryOf([...known]));
  await writeInventory();
  const cluster = await ClusterUnderTest.prepare({
    cluster: name,
    folder,
    servers,
    pipelines: fileURLToPath(new URL('pipelines', import.meta.url)),
    settings: { liveness: options.grouped === true ? { ...liveness, hold: '8s', storm_hosts: 10 } : liveness },
    env: (agent) => ({ ...clocks.get(agent)?.env }),
    ...(options.recovery === undefined ? {} : { recovery: options.recovery }),
  });
  const reporter = new Reporter(servers.rabbitmq.url, hosts);
  let isGood = false;
  try {
    for (const each of names) await cluster.start(each);
    const told = () => readTold(folder);
    // Whoever never speaks is told once everything runs.
    await until(async () => (await told()).byHost.has(never), 120_000, 'nobody was told');
    for (const host of silent) reporter.speaking.delete(host);
    const forget = async (host: string) => {
      known.delete(host);
      await writeInventory();
    };
    await options.during({ cluster, servers, names, clocks, reporter, told, forget });
    const count = async (type: string) => {
      const { byHost, lots } = await told();
      const single = silent.filter((host) => byHost.get(host)?.includes(type) === true).length;
      return lots.reduce((sum, lot) => sum + (lot.type === type ? lot.hosts : 0), single);
    };
    await until(
      async () => (await count('host.down')) === silent.length,
      180_000,
      'not every host that is silent was told as down',
    );
    for (const host of silent) reporter.speaking.add(host);
    await until(
      async () => (await count('host.up')) === silent.length,
      180_000,
      'not every host that speaks again was told as up',
    );
    await cluster.stopAll();
    const seen = options.grouped === true ? judgeGrouped(await told()) : judge(await told());
    isGood = true;
    return seen;
  } finally {
    await cluster.close();
    await reporter.end().catch(() => undefined);
    await servers.stop();
    if (isGood) await rm(folder, { recursive: true, force: true });
    else console.error(`outputs, data and logs are left in ${folder}`);
  }
}

/** What was seen, in words; throws what is wrong. */
function judge({ byHost, feedLate, events, twoContents }: Told): string {
  const wrong: string[] = twoContents.map((id) => `${id} has two contents`);
  for (const host of [...hosts, never]) {
    const expected = silent.includes(host) ? 'host.down host.up' : host === never ? 'host.down' : '';
    const seen = (byHost.get(host) ?? []).join(' ');
    if (seen !== expected)
      wrong.push(`${host}: ${seen === '' ? 'nothing' : seen}, expected ${expected === '' ? 'nothing' : expected}`);
  }
  if (wrong.length > 0) throw new Error(`${wrong.length} wrong:\n${wrong.slice(0, 10).join('\n')}`);
  return `${events} events, each of 40 hosts down once and up once, 80 others never, feed.late ${feedLate} times`;
}

/** Which hosts a lot is of is not said beyond the first; that none is told twice shows in the sum. */
function judgeGrouped({ byHost, lots, events, twoContents }: Told): string {
  const wrong = twoContents.map((id) => `${id} has two contents`);
  for (const type of ['host.down', 'host.up']) {
    const single = silent.filter((host) => byHost.get(host)?.includes(type) === true).length;
    const sum = lots.reduce((all, lot) => all + (lot.type === type ? lot.hosts : 0), single);
    if (sum !== silent.length) wrong.push(`${type} tells of ${sum} hosts, expected ${silent.length}`);
  }
  for (const host of hosts.slice(silent.length)) if (byHost.has(host)) wrong.push(`${host}: ${byHost.get(host)?.join(' ')}`);
  if (wrong.length > 0) throw new Error(`${wrong.length} wrong:\n${wrong.slice(0, 10).join('\n')}`);
  return `${events} events: ${lots.map(({ type, hosts: count }) => `${type} of ${count} hosts`).join(', ')}, 80 others never`;
}
