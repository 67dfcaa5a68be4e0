import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RunningAgent, startAgent } from '../../../src/agent/agent.ts';
import { loadSetup } from '../../../src/config/load-setup.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { createItemCodec } from '../../../src/pipeline/item-codec.ts';
import type { Emit } from '../../../src/telemetry/events.ts';

let folder: string;
let agent: RunningAgent | null;
const told: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-agent-'));
  await mkdir(join(folder, 'pipelines'));
  agent = null;
  told.length = 0;
});

afterEach(async () => {
  await agent?.stop('the test is over');
  await rm(folder, { recursive: true });
});

const begun = Date.now();
const speed = 50;
/** A minute passes in little more than a second. */
const fastClock: Clock = {
  now: () => begun + (Date.now() - begun) * speed,
  monotonic: () => systemClock.monotonic() * speed,
  sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
};

async function start(sink: string, clock: Clock = systemClock): Promise<RunningAgent> {
  await writeFile(join(folder, 'pipelines', 'sink.yaml'), sink);
  await writeFile(
    join(folder, 'agent.yaml'),
    'cluster: c\ndata_dir: data\npipelines: pipelines\ninputs:\n  - file: { path: in.jsonl }\nlog: { level: silent }\n',
  );
  const setup = await loadSetup({ config: join(folder, 'agent.yaml') }, {});
  const emit: Emit = (name) => void told.push(name);
  return startAgent({
    config: setup.config,
    sinks: setup.sinks,
    converter: setup.converter,
    codec: createItemCodec(() => ''),
    emit,
    clock,
    random: Math.random,
    version: 'test',
    exclusiveInputs: true,
  });
}

const polled = (id: string) => ({
  message_id: id,
  publisher_id: 'p',
  event_type: 'telemetry.polling',
  priority: 'SAMPLE',
  timestamp: '2026-01-01T00:00:05',
  payload: {
    samples: [
      {
        message_id: id,
        source: 'openstack',
        counter_name: 'cpu_util',
        counter_type: 'gauge',
        counter_unit: '%',
        counter_volume: 10,
        user_id: null,
        project_id: null,
        resource_id: 'r',
        timestamp: '2026-01-01T00:00:05',
        resource_metadata: {},
        monotonic_time: null,
      },
    ],
  },
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`it did not happen within 15 s; ${told.join(' ')}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const out = async () => await readFile(join(folder, 'out.jsonl'), 'utf8').catch(() => '');

describe('an agent', () => {
  it('closes windows by time long after the file it read has ended', async () => {
    await writeFile(join(folder, 'in.jsonl'), `${JSON.stringify(polled('n1'))}\n`);
    agent = await start(
      'sink: w\nfrom: samples\nmatch: ["*"]\npartitions: 1\ntransform:\n  - window: { size: 60s, compute: [count] }\npublish:\n  - file: { path: out.jsonl }\n',
      fastClock,
    );
    await until(async () => (await out()).includes('"cpu_util.count"'));

    expect(told).not.toContain('feed:late');
  });

  it('refuses a sink whose partitions or key are others than at its first start', async () => {
    const sink = (more: string) =>
      `sink: w\nfrom: samples\nmatch: ["*"]\n${more}transform:\n  - delta: {}\npublish:\n  - file: { path: out.jsonl }\n`;
    await writeFile(join(folder, 'in.jsonl'), '');
    await (await start(sink('partitions: 2\n'))).stop('changed');

    await expect(start(sink('partitions: 3\n'))).rejects.toMatchObject({ code: 'layout_differs' });
    await expect(start(sink('partitions: 2\npartition_by: [name]\n'))).rejects.toMatchObject({ code: 'layout_differs' });
    agent = await start(sink('partitions: 2\npartition_by: [resource_id]\n'));
  });

  it('leaves no timer behind a start that failed, so that its process ends', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    await writeFile(join(folder, 'in.jsonl'), '');
    const sink = (target: string) =>
      `sink: w\nfrom: samples\nmatch: ["*"]\ntransform:\n  - window: { size: 60s, compute: [count] }\npublish:\n  - ${target}\n`;
    const before = timers();

    await expect(start(sink('file: { path: in.jsonl/out.jsonl }'))).rejects.toThrow();

    await until(async () => timers() <= before);
  });
});
