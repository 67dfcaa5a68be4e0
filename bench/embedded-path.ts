import { setMaxListeners } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbedded } from '../src/agent/open-embedded.ts';
import { openLanes } from '../src/agent/open-targets.ts';
import { agreeOnLayouts } from '../src/agent/sink-runtime.ts';
import { loadSetup } from '../src/config/load-setup.ts';
import { IdLog } from '../src/core/partition/id-log.ts';
import { systemClock } from '../src/lib/clock.ts';
import { createSigner } from '../src/lib/hmac.ts';
import { type Part, printEntry } from '../src/model/entry.ts';
import type { Sample } from '../src/model/sample.ts';
import { DeadLetters } from '../src/pipeline/dead-letters.ts';
import { createItemCodec } from '../src/pipeline/item-codec.ts';
import { Sequencer } from '../src/pipeline/sequencer.ts';
import { createTally } from '../src/pipeline/tally.ts';
import { runWorker } from '../src/pipeline/worker.ts';
import { createTelemetry } from '../src/telemetry/telemetry.ts';
import { type PartitionRef, partitionName } from '../src/topics/topic.ts';
import { cpuSeconds, percentile, rounded, rssAnonMiB, writtenBytes } from './process-figures.ts';

/**
 * Append → topic → worker → commit → file in one process, as an agent does it: the embedded adapters, `runWorker` for each of 16
 * partitions, a file lane. A round appends one entry to every partition: 200 samples of 200 keys drawn at random, four samples a
 * notification. The next one follows when all of it is in the file. So every commit has 200 dirty keys however many keys there are.
 *
 *     node --import tsx bench/embedded-path.ts KEYS COMMITS
 */
const [keys = 3200, commits = 1600] = process.argv.slice(2).map(Number);
const partitions = 16;
const dirtyKeys = 200;
const perNotification = 4;
const perPartition = Math.ceil(keys / partitions);
const rounds = Math.ceil(commits / partitions);
const warmUpRounds = Math.ceil(rounds / 4);
const leaseTtlMs = 600_000;
const signal = new AbortController().signal;
const startedAt = Date.now() - 3_600_000;

const metadata = {
  display_name: 'web-1',
  host: 'node-17.example.org',
  instance_type: 'm1.medium',
  flavor: { id: '3', name: 'm1.medium', vcpus: 2, ram: 4096, disk: 40, ephemeral: 0, swap: 0 },
  image: {
    id: '6b0c2a1e-1f0f-4a52-9a0f-2f6d1b0c7e55',
    links: [{ href: 'http://192.0.2.5:9292/images/6b0c2a1e', rel: 'bookmark' }],
  },
  status: 'active',
  state: 'running',
  task_state: null,
  vcpus: 2,
  memory_mb: 4096,
  disk_gb: 40,
  architecture: 'x86_64',
  os_type: 'linux',
};

let drawn = 1;
function random(below: number): number {
  drawn = (Math.imul(drawn, 1664525) + 1013904223) >>> 0;
  return Math.floor((drawn / 2 ** 32) * below);
}

let made = 0;
const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');

/** 860 B as a JSON line. */
function sample(partition: number, key: number, round: number, resource_metadata: Sample['resource_metadata']): Sample {
  made += 1;
  return {
    id: `${hex(made, 8)}-0000-1000-8000-${hex(made, 12)}`,
    source: 'openstack',
    name: 'cpu',
    type: 'cumulative',
    unit: 'ns',
    volume: round * 1_000_000_000 + key,
    user_id: '4d1f2f2a0e5b4c5f9d5e3c2b1a000001',
    user_name: null,
    project_id: '4d1f2f2a0e5b4c5f9d5e3c2b1a000002',
    project_name: null,
    resource_id: `${hex(key, 8)}-${hex(partition, 4)}-4000-8000-4d1f2f2a0e5b`,
    timestamp: `${new Date(startedAt + round * 1000).toISOString().slice(0, -1)}000`,
    resource_metadata,
    monotonic_time: null,
  };
}

function notifications(partition: number, chosen: readonly number[], round: number, held: Sample['resource_metadata']): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < chosen.length; at += perNotification) {
    const items = chosen.slice(at, at + perNotification).map((key) => sample(partition, key, round, held));
    parts.push({ id: `${items[0]?.id}-n`, items });
  }
  return parts;
}

function draw(): number[] {
  if (perPartition <= dirtyKeys) return Array.from({ length: perPartition }, (_, key) => key);
  const chosen = new Set<number>();
  while (chosen.size < dirtyKeys) chosen.add(random(perPartition));
  return [...chosen];
}

const folder = await mkdtemp(join(tmpdir(), 'ceilograph-bench-'));
await mkdir(join(folder, 'pipelines'));
await writeFile(join(folder, 'agent.yaml'), 'data_dir: data\npipelines: pipelines\n');
await writeFile(
  join(folder, 'pipelines', 'rates.yaml'),
  `sink: rates
from: samples
match: [cpu]
partition_by: [resource_id]
partitions: ${partitions}
transform:
  - rate_of_change:
      target: { name: cpu_util, unit: "%", type: gauge, scale: "100.0 / (10**9 * (resource_metadata.vcpus or 1))" }
publish:
  - file: { path: out/rates.jsonl }
`,
);
const setup = await loadSetup({ config: join(folder, 'agent.yaml') });
const config = setup.sinks[0];
if (config === undefined) throw new Error('no sink');
const { emit } = createTelemetry({ level: 'warn', agent: 'bench' });
const embedded = await openEmbedded({ dataDir: setup.config.dataDir });
const deadLetters = await DeadLetters.open({ directory: join(setup.config.dataDir, 'dead-letters'), clock: systemClock });
const refs = (await agreeOnLayouts(embedded, [config], setup.config, 'bench')).get(config) ?? [];
const [soft, hard] = [new AbortController(), new AbortController()];
setMaxListeners(0, soft.signal, hard.signal);
const lanes = await openLanes(config, {
  held: () => Promise.reject(new Error('nothing is held here')),
  baseDir: folder,
  clock: systemClock,
  random: Math.random,
  emit,
  codec: createItemCodec(createSigner('a secret of the bench, 32 bytes or more')),
  deadLetters,
  hard: hard.signal,
});
const tally = createTally();
const workers = refs.map(async (ref) => {
  const acquired = await embedded.group.acquire({ agent: 'bench', boot: 'bench' }, partitionName(ref), 0, leaseTtlMs);
  if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
  const deps = {
    config,
    cluster: setup.config.cluster,
    topics: embedded.topics,
    store: embedded.store,
    lanes: lanes.lanes,
    deadLetters,
    recorder: null,
    tally,
    clock: systemClock,
    awaitedFeeds: [],
    leaseTtlMs,
    report: () => undefined,
  };
  await runWorker(deps, ref, acquired.token, { soft: soft.signal, hard: hard.signal });
});
const failed = Promise.race(workers);

const appender = await embedded.topics.openAppender();
const sequencer = new Sequencer('bench');
const encoder = new TextEncoder();
let sent = 0;
let expectedOut = 0;

/** Appends what `chosen` says to every partition and waits until it is applied and what came of it is published. */
async function apply(chosen: readonly (readonly number[])[], round: number, first: boolean): Promise<void> {
  const entries = refs.map((partition: PartitionRef, index) => {
    const parts = notifications(index, chosen[index] ?? [], round, first ? {} : metadata);
    sent += parts.length;
    if (!first) expectedOut += (chosen[index] ?? []).length;
    const entry = sequencer.next(partitionName(partition), Date.now(), parts, []);
    return { partition, bytes: encoder.encode(printEntry(entry)) };
  });
  await appender.append(entries, signal);
  sequencer.proved(sequencer.snapshot());
  while (tally.applied < sent || tally.published < expectedOut)
    await Promise.race([new Promise((resolve) => setTimeout(resolve, 1)), failed]);
}

async function run(from: number, count: number): Promise<number[]> {
  const latencies: number[] = [];
  for (let round = from; round < from + count; round++) {
    const before = performance.now();
    await apply(
      refs.map(() => draw()),
      round,
      false,
    );
    latencies.push(performance.now() - before);
  }
  return latencies;
}

/** The log of ids alone: a million of them, none proven. */
function bytesPerOpenId(): number {
  const count = 1_000_000;
  const ids = Array.from({ length: partitions }, () => new IdLog());
  globalThis.gc?.();
  const before = rssAnonMiB('self');
  for (let i = 0; i < count; i++) {
    const log = ids[i % partitions] as IdLog;
    log.add('bench', Math.floor(i / (partitions * 50)) + 1, `id-${i}`);
    if (i % 50_000 < partitions) log.takeChange();
  }
  for (const log of ids) log.takeChange();
  globalThis.gc?.();
  const held = ids.reduce((sum, log) => sum + log.openCount, 0);
  return ((rssAnonMiB('self') - before) * 2 ** 20) / held;
}

for (let key = 0; key < perPartition; key += dirtyKeys) {
  const some = Array.from({ length: Math.min(dirtyKeys, perPartition - key) }, (_, i) => key + i);
  await apply(
    refs.map(() => some),
    0,
    true,
  );
}
process.stderr.write(`${keys} keys are there, ${rssAnonMiB('self').toFixed(0)} MiB\n`);
await run(1, warmUpRounds);
const [cpu, written, dirtied] = [cpuSeconds('self'), writtenBytes('self', 'wchar'), writtenBytes('self', 'write_bytes')];
const publishedBefore = expectedOut;
const at = performance.now();
const latencies = await run(1 + warmUpRounds, rounds);
const seconds = (performance.now() - at) / 1000;
const used = cpuSeconds('self') - cpu;
const samples = expectedOut - publishedBefore;
const figures = {
  keys,
  commits: rounds * partitions,
  cpuSecondsPer100k: rounded((used / samples) * 100_000, 2),
  perSecond: Math.round(samples / seconds),
  p50Ms: rounded(percentile(latencies, 0.5), 1),
  p99Ms: rounded(percentile(latencies, 0.99), 1),
  writtenKBPerSample: rounded((writtenBytes('self', 'wchar') - written) / samples / 1000, 2),
  dirtiedKBPerSample: rounded((writtenBytes('self', 'write_bytes') - dirtied) / samples / 1000, 2),
  rssAnonMiB: rounded(rssAnonMiB('self'), 0),
  bytesPerKey: rounded(((rssAnonMiB('self') - 250) * 2 ** 20) / keys, 0),
};
soft.abort(new Error('done'));
await Promise.all(workers);
await lanes.close();
await deadLetters.close();
await embedded.close();
await rm(folder, { recursive: true, force: true });
console.log(JSON.stringify({ ...figures, bytesPerOpenId: rounded(bytesPerOpenId(), 0) }));
