import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RunningAgent, startAgent } from '../../src/agent/agent.ts';
import { loadSetup } from '../../src/config/load-setup.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createItemCodec } from '../../src/pipeline/item-codec.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { projectDir } from '../run/program.ts';

let folder: string;
let agent: RunningAgent | null;
let alive: AbortController;
let admin: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-liveness-'));
  await mkdir(join(folder, 'pipelines'));
  await mkdir(join(folder, 'liveness'));
  agent = null;
  alive = new AbortController();
});

afterEach(async () => {
  alive.abort();
  await agent?.stop('the test is over');
  await rm(folder, { recursive: true });
});

const inventory = (hosts: string) => `templates:
  quick: { services: { uptime: { interval: 2s, tolerance: 1s } } }
groups:
  web: { templates: [quick] }
hosts:
${hosts}`;

const settings =
  '{ inventory: liveness, partitions: 2, slack: 1s, first_report: 3s, hold: 1s, reload: 600s, livestatus: { socket: live } }';

/** Resolves with where reports are taken. */
async function start(more = ''): Promise<string> {
  await writeFile(
    join(folder, 'pipelines', 'told.yaml'),
    'sink: told\nfrom: events\nmatch: ["host.*", "service.*", "trigger.*", "feed.*"]\npublish: [{ file: { path: told.jsonl } }]\n',
  );
  await writeFile(
    join(folder, 'agent.yaml'),
    `cluster: c\ndata_dir: data\npipelines: pipelines\ninputs: [{ http: { port: 0 } }]\nliveness: ${settings}\n${more}`,
  );
  const setup = await loadSetup({ config: join(folder, 'agent.yaml') }, {});
  const telemetry = createTelemetry({ level: 'silent', agent: 'a' });
  const address = new Promise<string>((resolve) => {
    telemetry.listen((name, facts) => {
      if (name === 'admin:listening') admin = (facts as { readonly address: string }).address;
      if (name === 'input:connected') resolve((facts as { readonly detail: string }).detail.replace(/\/v1\/.*$/, ''));
    });
  });
  agent = await startAgent({
    ...setup,
    codec: createItemCodec(() => ''),
    emit: telemetry.emit,
    scrape: telemetry.scrape,
    clock: systemClock,
    random: Math.random,
    version: 'test',
    exclusiveInputs: true,
  });
  return await address;
}

async function report(address: string, hosts: readonly string[]): Promise<void> {
  const body = JSON.stringify(hosts.map((host) => ({ host, service: 'uptime', data: {} })));
  const answer = await fetch(`${address}/v1/reports`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  expect(answer.status).toBe(202);
}

/** Reports for these hosts twice a second until told otherwise. */
function keepReporting(address: string, hosts: Set<string>): void {
  const go = async () => {
    while (!alive.signal.aborted) {
      if (hosts.size > 0) await report(address, [...hosts]);
      await systemClock.sleep(500, alive.signal).catch(() => undefined);
    }
  };
  go().catch(() => undefined);
}

async function told(): Promise<string[]> {
  const file = join(folder, 'told.jsonl');
  const lines = existsSync(file) ? (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '') : [];
  return lines.map((line) => {
    const { event_type, traits } = JSON.parse(line) as { event_type: string; traits: [string, number, unknown][] };
    const trait = (name: string) => traits.find(([each]) => each === name)?.[2];
    return `${event_type} ${trait('host')} ${trait('reason')}`;
  });
}

async function until(wanted: (lines: string[]) => boolean): Promise<string[]> {
  const end = Date.now() + 30_000;
  for (;;) {
    const lines = await told();
    if (wanted(lines)) return lines;
    if (Date.now() > end) throw new Error(`it did not happen within 30 s: ${JSON.stringify(lines)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What `ceilograph hosts … --json` prints. */
async function hostsCommand(...args: readonly string[]): Promise<unknown> {
  const command = ['--import', 'tsx', 'src/cli/main.ts', 'hosts', ...args, '-c', join(folder, 'agent.yaml'), '--json'];
  return JSON.parse((await promisify(execFile)(process.execPath, command, { cwd: projectDir })).stdout);
}

async function statuses(): Promise<Readonly<Record<string, string>>> {
  const { hosts } = (await hostsCommand('list')) as { hosts: { host: string; status: string; told: string | null }[] };
  return Object.fromEntries(hosts.map(({ host, status, told: how }) => [host, `${status} ${how}`]));
}

/** As any client of Livestatus asks. */
async function asked(query: string): Promise<string> {
  const socket = connect({ path: join(folder, 'live') });
  socket.end(`${query}\n\n`);
  let answer = '';
  for await (const chunk of socket.setEncoding('utf8')) answer += chunk;
  return answer;
}

describe('an agent that watches hosts', () => {
  it('is a Livestatus site, whose hosts are as they were last judged, and whose socket goes with it', async () => {
    await writeFile(join(folder, 'liveness', 'hosts.yaml'), inventory('  a: { groups: [web] }\n  never: { groups: [web] }\n'));
    keepReporting(await start(), new Set(['a']));
    await until((lines) => lines.includes('host.down never never_reported'));
    const seen = async () => asked('GET hosts\nColumns: name state\nFilter: has_been_checked = 1');
    for (let answer = ''; answer !== 'a;0\nnever;1\n'; answer = await seen()) await systemClock.sleep(100, alive.signal);

    expect(await asked('GET services\nColumns: host_name description state\nSort: host_name asc')).toBe(
      'a;uptime;0\nnever;uptime;2\n',
    );
    expect(await asked('GET hostgroups\nColumns: name num_hosts num_services_crit')).toBe('web;2;1\n');
    expect((await stat(join(folder, 'live'))).mode & 0o777).toBe(0o660);
    await agent?.stop('the test is over');
    agent = null;
    expect(existsSync(join(folder, 'live'))).toBe(false);
  });

  it('tells once of a host that falls silent, and once that it is back', async () => {
    await writeFile(
      join(folder, 'liveness', 'hosts.yaml'),
      inventory('  a: { groups: [web] }\n  b: { groups: [web] }\n  never: { groups: [web] }\n'),
    );
    const address = await start();
    const hosts = new Set(['a', 'b']);
    keepReporting(address, hosts);
    await until((lines) => lines.length > 0);
    hosts.delete('b');

    await until((lines) => lines.includes('host.down b uptime_late'));
    hosts.add('b');
    const lines = await until((all) => all.some((line) => line.startsWith('host.up')));

    expect(lines).toEqual(['host.down never never_reported', 'host.down b uptime_late', 'host.up b reporting']);
  });

  it('reads its inventory again when it changes, and keeps the old one while the new one is wrong', async () => {
    const file = join(folder, 'liveness', 'hosts.yaml');
    await writeFile(file, inventory('  a: { groups: [web] }\n'));
    const address = await start();
    keepReporting(address, new Set(['a']));

    await writeFile(file, inventory('  a: { groups: [nowhere] }\n'));
    await systemClock.sleep(1_500);
    await writeFile(file, inventory('  a: { groups: [web] }\n  c: { groups: [web], address: 10.0.0.3 }\n'));

    expect(await until((lines) => lines.length > 0)).toEqual(['host.down c never_reported']);
  });

  it('shows its hosts, and keeps quiet about who is silenced or in maintenance', async () => {
    await writeFile(join(folder, 'liveness', 'hosts.yaml'), inventory('  a: { groups: [web] }\n  b: { groups: [web] }\n'));
    const address = await start('admin: { listen: "127.0.0.1:0" }\n');
    const hosts = new Set(['a', 'b']);
    keepReporting(address, hosts);
    await expect.poll(statuses, { timeout: 30_000 }).toEqual({ a: 'ok null', b: 'ok null' });

    await hostsCommand('maintain', 'a', '--for', '1h');
    await hostsCommand('silence', 'b*', '--for', '1h', '--author', 'ann', '--comment', 'moving');
    hosts.clear();

    await expect.poll(statuses, { timeout: 30_000 }).toEqual({ a: 'maintenance null', b: 'unreachable silenced' });
    expect(await hostsCommand('silence')).toMatchObject({ silences: [{ match: 'b*', author: 'ann', comment: 'moving' }] });
    expect(await hostsCommand('show', 'b')).toMatchObject({
      reason: 'uptime_late',
      services: [{ service: 'uptime', intervalSeconds: 2 }],
    });
    const served = await fetch(`${admin}/v1/hosts?status=unreachable`);
    expect(await served.json()).toMatchObject({
      total: 2,
      byStatus: { maintenance: 1, unreachable: 1 },
      byGroup: { web: { maintenance: 1, unreachable: 1 } },
      items: [{ host: 'b', told: 'silenced' }],
    });
    expect(await (await fetch(`${admin}/v1/hosts/a`)).json()).toMatchObject({ host: 'a', status: 'maintenance' });
    expect((await fetch(`${admin}/v1/hosts/nobody`)).status).toBe(404);
    expect(await told()).toEqual([]);
  }, 90_000);

  it('does not start with an inventory that is wrong', async () => {
    await writeFile(join(folder, 'liveness', 'hosts.yaml'), inventory('  a: { groups: [wbe] }\n'));

    await expect(start()).rejects.toThrow(/hosts\.yaml:6:16 hosts\.a\.groups: there is no group "wbe"/);
  });
});
