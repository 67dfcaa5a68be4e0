import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createVhost, deleteVhost } from '../../services/rabbitmq.ts';
import { redisUrl } from '../../services/with-services.ts';
import { RunningAgent } from '../ceilometer/run-agent.ts';
import { GnocchiServer } from './gnocchi-server.ts';

// Four agents as an operator of Ceilometer would start them, on one ceilometer.conf with Redis as coordination backend.

const pipeline = `sources: [{ name: cpu_source, meters: [cpu], sinks: [cpu_sink] }]
sinks:
  - name: cpu_sink
    transformers:
      - name: rate_of_change
        parameters:
          target: { name: cpu_util, unit: "%", type: gauge, scale: "100.0 / (10**9 * (resource_metadata.cpu_number or 1))" }
    publishers: ["gnocchi://", "file://FILE?json"]
`;
const rounds = 6;
const secondsApart = 300;
const vhost = `cpu-util-${randomUUID()}`;
const agents: RunningAgent[] = [];
let dir: string;
let server: GnocchiServer;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cpu-util-'));
  server = await GnocchiServer.start();
}, 600_000);
afterAll(async () => {
  for (const agent of agents) await agent.stop('SIGKILL');
  await server?.stop();
  await deleteVhost(vhost);
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
});

const instances = Array.from({ length: 24 }, (_, i) => {
  const volumes = [1_000_000_000 * i];
  for (let round = 1; round < rounds; round++) volumes.push((volumes[round - 1] ?? 0) + 7_000_000_000 * (i + round) + 13 * i);
  return { id: randomUUID(), cpus: 1 + (i % 4), volumes };
});
const timeOf = (round: number) =>
  new Date(Date.UTC(2026, 2, 1) + round * secondsApart * 1000).toISOString().replace('.000Z', '+00:00');

/** What ceilometer-polling sends after a poll, one notification per instance. */
function poll(round: number): Buffer[] {
  return instances.map(({ id, cpus, volumes }) => {
    const sample = {
      counter_name: 'cpu',
      counter_type: 'cumulative',
      counter_unit: 'ns',
      counter_volume: volumes[round],
      resource_id: id,
      user_id: null,
      user_name: null,
      project_id: 'p',
      project_name: null,
      source: 'openstack',
      timestamp: timeOf(round),
      resource_metadata: { cpu_number: cpus },
      message_id: `${id}-${round}`,
      monotonic_time: null,
      message_signature: '',
    };
    const inner = {
      message_id: `poll-${id}-${round}`,
      publisher_id: 'ceilometer.polling',
      event_type: 'telemetry.polling',
      priority: 'SAMPLE',
      payload: { samples: [sample] },
      timestamp: '2026-03-01 00:00:00.000000',
      _unique_id: randomUUID(),
    };
    return Buffer.from(JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(inner) }));
  });
}

it('four agents bring cpu_util into Gnocchi as computed by hand, through a kill -9', { timeout: 400_000 }, async () => {
  const broker = await createVhost(vhost);
  const etc = join(dir, 'etc');
  const output = join(dir, 'cpu_util.json');
  await mkdir(etc);
  await writeFile(join(etc, 'pipeline.yaml'), pipeline.replace('FILE', output));
  await writeFile(join(etc, 'ceilograph-keys.yaml'), `active: k1\nkeys: { k1: ${randomBytes(32).toString('hex')} }\n`);
  const conf = [
    '[DEFAULT]',
    `transport_url = ${broker.replace(/^amqp:/, 'rabbit:')}`,
    '[notification]',
    'workload_partitioning = true',
    'pipeline_processing_queues = 8',
    'pipelines = meter',
    '[coordination]',
    `backend_url = ${await redisUrl()}`,
  ];
  await writeFile(join(etc, 'ceilometer.conf'), `${conf.join('\n')}\n`);
  const env = { CEILOGRAPH_GNOCCHI_URL: server.url, CEILOGRAPH_CLUSTER: `c${randomUUID().slice(0, 8)}` };
  for (let i = 0; i < 4; i++) agents.push(RunningAgent.ours(etc, join(dir, `data-${i}`), env));
  const connection = await connect(broker);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue('notifications.sample', { durable: false });

  for (let round = 0; round < rounds; round++) {
    for (const body of poll(round))
      channel.sendToQueue('notifications.sample', body, { contentType: 'application/json', contentEncoding: 'utf-8' });
    await channel.waitForConfirms();
    if (round === 3) await agents[1]?.stop('SIGKILL');
    // A poll is five minutes apart from the next; here the next follows when this one is through.
    await until(async () => (await idsIn(output)).size >= instances.length * round && (round > 0 || (await isTaken(channel))));
  }
  await connection.close();

  const wrong: string[] = [];
  for (const { id, cpus, volumes } of instances) {
    const expected = volumes.slice(1).map((volume, i) => (100 / (1e9 * cpus)) * ((volume - (volumes[i] ?? 0)) / secondsApart));
    await until(async () => (await measuresOf(id)).length >= expected.length);
    const measures = await measuresOf(id);
    const right =
      measures.length === expected.length &&
      measures.every(([time, , value], i) => {
        const there = expected[i] ?? 0;
        return Date.parse(time) === Date.parse(timeOf(i + 1)) && Math.abs(value - there) <= 1e-12 * there;
      });
    if (!right) wrong.push(`${id}: ${JSON.stringify(measures)} instead of ${expected.join(', ')}`);
  }
  expect(wrong).toEqual([]);
  expect((await idsIn(output)).size).toBe(instances.length * (rounds - 1));
});

const measuresOf = (id: string) => server.measures('generic', id, 'cpu_util').catch(() => []);

async function idsIn(file: string): Promise<Set<string>> {
  const text = await readFile(file, 'utf8').catch(() => ''); // nothing is out yet
  return new Set([...text.matchAll(/"id":"([^"]+)"/g)].map(([, id = '']) => id));
}

/** The first poll gives no rates. Its queue is empty once the listeners have it, and two seconds later they have appended it. */
async function isTaken(channel: {
  checkQueue(name: string): Promise<{ messageCount: number; consumerCount: number }>;
}): Promise<boolean> {
  const { messageCount, consumerCount } = await channel.checkQueue('notifications.sample');
  if (messageCount > 0 || consumerCount < 4) return false;
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  return true;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 120_000;
  while (!(await condition())) {
    if (performance.now() > end || agents.filter((agent) => agent.hasEnded).length > 1) {
      const log = await readFile(join(dir, 'data-0.log'), 'utf8');
      throw new Error(`not within two minutes; the end of an agent's log: ${log.slice(-2000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
