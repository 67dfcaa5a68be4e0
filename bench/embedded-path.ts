import { setMaxListeners } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEmbedded } from '../src/agent/open-embedded.ts';
import { openLanes } from '../src/agent/open-targets.ts';
import { agreeOnLayouts } from '../src/agent/sink-runtime.ts';
import { loadSetup } from '../src/config/load-setup.ts';
import { systemClock } from '../src/lib/clock.ts';
import { createSigner } from '../src/lib/hmac.ts';
import { Semaphore } from '../src/lib/semaphore.ts';
import { printEntry } from '../src/model/entry.ts';
import { DeadLetters } from '../src/pipeline/dead-letters.ts';
import { createItemCodec } from '../src/pipeline/item-codec.ts';
import { Sequencer } from '../src/pipeline/sequencer.ts';
import { createTally } from '../src/pipeline/tally.ts';
import { runWorker } from '../src/pipeline/worker.ts';
import { createTelemetry } from '../src/telemetry/telemetry.ts';
import { type PartitionRef, partitionName } from '../src/topics/topic.ts';
import { endTogether } from './children.ts';
import type { Block } from './embedded-pair.ts';
import { draw, metadata, notifications } from './embedded-samples.ts';
import { rssAnonMiB, writtenBytes } from './process-figures.ts';
import { parseReference } from './reference.ts';

/**
 * Append → topic → worker → commit → file in one process, as an agent does it: the embedded adapters, `runWorker` for each of 16
 * partitions, a file lane. A round appends one entry to every partition: 200 samples of 200 keys drawn at random, four samples a
 * notification. The next one follows when all of it is in the file. So every commit has 200 dirty keys however many keys there are.
 *
 * Driven by `embedded-pair.ts`: fills KEYS keys, says so, and then runs as many rounds as each message says, until the channel closes.
 *
 *     node --import tsx bench/embedded-path.ts KEYS FOLDER   (with an IPC channel)
 */
const [keys, folder] = [Number(process.argv[2]), process.argv[3] ?? ''];
const partitions = 16;
const dirtyKeys = 200;
const perNotification = 4;
// Filling is preparation: in large pieces.
const filledAtOnce = 2000;
const perPartition = Math.ceil(keys / partitions);
const leaseTtlMs = 600_000;
const turns = new Semaphore(1);
const signal = new AbortController().signal;

endTogether();
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
    turns,
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

interface Step {
  /** Of every partition. */
  readonly chosen: readonly (readonly number[])[];
  readonly round: number;
  readonly perNotification: number;
  /** Of a key that is new nothing comes out. */
  readonly fill: boolean;
}

/** Appends an entry to every partition and waits until all of it is applied and what came of it is published. */
async function apply({ chosen, round, perNotification, fill }: Step): Promise<void> {
  const entries = refs.map((partition: PartitionRef, index) => {
    const parts = notifications(index, chosen[index] ?? [], round, fill ? {} : metadata, perNotification);
    sent += parts.length;
    if (!fill) expectedOut += (chosen[index] ?? []).length;
    const entry = sequencer.next(partitionName(partition), Date.now(), parts, []);
    return { partition, bytes: encoder.encode(printEntry(entry)) };
  });
  await appender.append(entries, signal);
  sequencer.proved(sequencer.snapshot());
  while (tally.applied < sent || tally.published < expectedOut)
    await Promise.race([new Promise((resolve) => setTimeout(resolve, 1)), failed]);
}

async function fill(): Promise<void> {
  for (let key = 0; key < perPartition; key += filledAtOnce) {
    const some = Array.from({ length: Math.min(filledAtOnce, perPartition - key) }, (_, i) => key + i);
    await apply({ chosen: refs.map(() => some), round: 0, perNotification: 100, fill: true });
  }
}

let round = 0;

async function block(rounds: number): Promise<Block> {
  const parse = parseReference();
  const [cpu, at] = [process.cpuUsage(), performance.now()];
  const [written, dirtied] = [writtenBytes('self', 'wchar'), writtenBytes('self', 'write_bytes')];
  const before = expectedOut;
  const latencies: number[] = [];
  for (let i = 0; i < rounds; i++) {
    round += 1;
    const started = performance.now();
    const chosen = refs.map(() => draw(dirtyKeys, perPartition));
    await apply({ chosen, round, perNotification, fill: false });
    latencies.push(performance.now() - started);
  }
  const { user, system } = process.cpuUsage(cpu);
  return {
    samples: expectedOut - before,
    cpuSeconds: (user + system) / 1e6,
    seconds: (performance.now() - at) / 1000,
    written: writtenBytes('self', 'wchar') - written,
    dirtied: writtenBytes('self', 'write_bytes') - dirtied,
    latencies,
    parseCpuSecondsPer100k: parse,
    rssAnonMiB: rssAnonMiB('self'),
  };
}

async function close(): Promise<void> {
  soft.abort(new Error('done'));
  await Promise.all(workers);
  await lanes.close();
  await deadLetters.close();
  await embedded.close();
  await rm(folder, { recursive: true, force: true });
}

const say = (what: Block | 'filled') => process.send?.(what);
const startedAt = performance.now();
await fill();
const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
process.stderr.write(`${keys} keys are there after ${seconds} s, ${rssAnonMiB('self').toFixed(0)} MiB\n`);
process.on('message', (rounds: number) => void block(rounds).then(say));
process.once('disconnect', () => void close().then(() => process.exit(0)));
say('filled');
