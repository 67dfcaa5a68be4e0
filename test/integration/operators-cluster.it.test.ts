import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Trace } from '../../src/admin/agent-actions.ts';
import type { Overview } from '../../src/admin/overview.ts';
import { ClusterUnderTest } from '../cluster/cluster-under-test.ts';
import { Feeder } from '../cluster/feeder.ts';
import { type Servers, startServers } from '../cluster/servers.ts';
import { aside, traffic } from '../cluster/traffic.ts';
import { projectDir } from '../run/program.ts';

/** The same commands as in operators.it.test.ts, where the agents share nothing but RabbitMQ and Redis: no data directory, no machine. */
const names = ['a0', 'a1', 'a2'];
const main = join(projectDir, 'dist/cli/main.js');
const sinks = {
  'rates.yaml': `sink: rates
from: samples
match: [cpu]
partition_by: [resource_id]
partitions: 6
transform:
  - delta: {}
publish:
  - file: { path: out/rates.jsonl }
`,
};

let folder: string;
let servers: Servers;
let cluster: ClusterUnderTest;
let feeder: Feeder;
let feeding: Promise<void>;
const over = new AbortController();

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function ceilograph(...args: readonly string[]): Promise<Said> {
  return new Promise((resolve) => {
    const command = [main, ...args, '-c', cluster.configFile('a0')];
    execFile(process.execPath, command, { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err });
    });
  });
}

async function until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  const end = Date.now() + 60_000;
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    if (Date.now() > end) throw new Error(`within 60 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-operators-'));
  servers = await startServers('operators');
  const pipelines = join(folder, 'none');
  await mkdir(pipelines);
  // Each agent takes a port of its own, which the others learn from its member record.
  const settings = { admin: { listen: '127.0.0.1:0' } };
  cluster = await ClusterUnderTest.prepare({ cluster: 'operators', folder, servers, pipelines, sinks, settings });
  for (const name of names) await cluster.start(name);
  feeder = new Feeder(servers.rabbitmq.url);
  const forEver = traffic(Number.POSITIVE_INFINITY, 30, Date.now() - 86_400_000);
  feeding = feeder.feed(forEver, 300, () => over.signal.aborted);
  feeding.catch(() => undefined);
  await until('three agents share six partitions', async () => {
    const { code, out } = await ceilograph('status', '--check');
    return code === 0 && out.includes('agents=3;') && out.includes('partitions=6;') ? true : null;
  });
}, 120_000);

afterAll(async () => {
  over.abort();
  await feeding;
  await feeder.close();
  await cluster.close();
  await servers.stop();
  await rm(folder, { recursive: true });
}, 60_000);

describe('three agents on RabbitMQ and Redis, by the commands of an operator', { timeout: 90_000 }, () => {
  it('are tapped all at once, at the topic and at the end', async () => {
    const appended = lines((await ceilograph('tap', 'rates', '--stage', 'appended', '--limit', '300')).out);
    const out = lines((await ceilograph('tap', 'rates', '--filter', 'volume > 0', '--limit', '300')).out);

    // Who listens and who owns a partition are two matters; at both all three have their share.
    for (const seen of [appended, out]) expect(new Set(seen.map(({ agent }) => agent))).toEqual(new Set(names));
    expect(appended.every(({ sink, item }) => sink === 'rates' && item.name === 'cpu')).toBe(true);
    expect(out.every(({ stage, item }) => stage === 'out' && item.volume > 0)).toBe(true);
  });

  it('tell the way of one notification across them', async () => {
    const wayOf = async (id: string) => {
      const { code, out } = await ceilograph('trace', id, '--json');
      if (code !== 0) return null;
      const { steps } = JSON.parse(out) as { readonly steps: readonly (Trace['steps'][number] & { readonly agent: string })[] };
      const of = (name: string) => steps.find(({ step }) => step === name);
      const found = [of('received'), of('appended'), of('committed'), of('published')];
      return found.includes(undefined) || found[0]?.agent === found[2]?.agent ? null : found;
    };
    let looks = 0;
    const way = await until('one that an agent got and another one published', async () => {
      // Of many places of the feeder's lots and more or less long ago: those of one place all go to one agent, every other is of another meter, and the cluster may be behind.
      looks += 1;
      const some = [60, 130, 270, 500, 900, 1500].map((ago) => feeder.published.at(-ago - ((looks * 7) % 90))?.id ?? '');
      return (await Promise.all(some.map(wayOf))).find((found) => found !== null) ?? null;
    });

    const [received, appended, committed, published] = way;
    expect(received).toMatchObject({ input: 'amqp', origin: expect.stringContaining('notifications.info') });
    expect(appended?.agent).toBe(received?.agent);
    expect(committed?.unit).toBe(appended?.unit);
    expect(published).toMatchObject({ agent: committed?.agent, unit: committed?.unit, publisher: 'file' });
  });

  it('are shown by top with the rates of each, and without the one that was killed', async () => {
    const { out } = await ceilograph('top', '--times', '3', '--interval', '2', '--json');
    const last = lines(out).at(-1) as Overview;

    expect(last.members.map(({ agent }) => agent)).toEqual(names);
    for (const { agent, receivedPerSecond, appliedPerSecond } of last.members) {
      expect(receivedPerSecond, agent).toBeGreaterThan(0);
      expect(appliedPerSecond, agent).toBeGreaterThan(0);
    }
    await cluster.kill('a2');
    const after = await until('its partitions are with the others', async () => {
      const now = lines((await ceilograph('top', '--times', '1', '--json')).out)[0] as Overview;
      return now.partitions.every(({ owner }) => owner === 'a0' || owner === 'a1') ? now : null;
    });
    expect(after.members.map(({ agent }) => agent)).toEqual(['a0', 'a1']);
    await cluster.start('a2');
    await until('it has its share again', async () => {
      const now = lines((await ceilograph('top', '--times', '1', '--json')).out)[0] as Overview;
      return new Set(now.partitions.map(({ owner }) => owner)).size === 3 ? true : null;
    });
  });

  it('get recorded notifications sent to them, through the exchange of their input', async () => {
    const recorded = Array.from({ length: 20 }, (_, n) => aside('cpu', n, Date.now() - 60_000));
    const bodies = recorded.map(({ body }) => body.replace('SAMPLE', 'INFO'));
    // Of a priority whose queue nobody reads here.
    const [other] = recorded.map(({ body }) => body);
    await writeFile(join(folder, 'recorded.jsonl'), [...bodies, other].map((body) => `${body}\n`).join(''));
    const { code, err } = await ceilograph('replay', join(folder, 'recorded.jsonl'), '--to-cluster', '--rate', '100');

    expect(code).toBe(1);
    expect(err).toMatch(
      /sending to .*, exchange nova\nline 21: its priority is sample, and taken is only info\n20 sent and confirmed/,
    );
    for (const { id } of recorded.slice(-3)) {
      await until('it is committed', async () => {
        const { out } = await ceilograph('trace', id, '--json');
        return out.includes('"step":"committed"') ? true : null;
      });
    }
  });

  it('list, show, try again and drop dead letters of all of them, each in its own data directory', async () => {
    const bodies = Array.from({ length: 60 }, (_, n) => `{"message_id": "broken ${n}"}`);
    await feeder.publishAside(bodies);
    const { letters, stats } = await until('all of them are there', async () => {
      const listed = JSON.parse((await ceilograph('deadletter', 'list', '--cluster', '--limit', '100', '--json')).out);
      return listed.letters.length === bodies.length ? listed : null;
    });

    expect(stats).toMatchObject({ letters: 60, byReason: { missing_field: 60 } });
    expect(new Set(letters.flatMap(({ agents }: { readonly agents: readonly string[] }) => agents)).size).toBeGreaterThan(1);
    const shown = await Promise.all(
      letters.slice(0, 3).map(({ id }: { readonly id: string }) => ceilograph('deadletter', 'show', id, '--body', '--cluster')),
    );
    for (const { out } of shown) expect(bodies).toContain(out);
    const again = await ceilograph('deadletter', 'retry', '--all', '--wait', '30', '--json', '--cluster');
    expect(again.code).toBe(1);
    expect(JSON.parse(again.out)).toEqual({ requested: 60, through: 0, failedAgain: 60, waiting: 0, leftOut: {} });
    const dropped = await ceilograph('deadletter', 'drop', '--reason', 'missing_field', '--json', '--cluster');
    expect(JSON.parse(dropped.out)).toEqual({ dropped: 60, leftOut: {} });
    expect((await ceilograph('deadletter', 'list', '--cluster')).out).toBe('0 dead letters\n');
  });
});
