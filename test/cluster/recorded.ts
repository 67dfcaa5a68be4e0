import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { relocation } from '../../src/agent/layouts/move-sink.ts';
import { ExpectedOutputs } from '../../src/cli/demo/expected.ts';
import type { Setup } from '../../src/config/load-setup.ts';
import type { SinkConfig } from '../../src/config/sink-config.ts';
import { decodeNotification } from '../../src/core/convert/envelope.ts';
import { itemLines } from '../../src/core/convert/wire.ts';
import { compileGroupingKey } from '../../src/core/partition/grouping-key.ts';
import { relocate } from '../../src/core/partition/relocate.ts';
import type { StoredPartition } from '../../src/core/partition/stored-partition.ts';
import { createRouter } from '../../src/core/route/router.ts';
import { parseEntry } from '../../src/model/entry.ts';
import { itemId } from '../../src/model/item.ts';
import { partitionOf } from '../../src/model/stable-hash.ts';
import { parseRecording } from '../../src/pipeline/recorder.ts';
import { Replay } from '../../src/pipeline/replay.ts';
import { sinkChain } from '../../src/pipeline/sink-chain.ts';
import { speak } from '../../src/pipeline/unspeakable.ts';
import { parsePartitionName } from '../../src/topics/topic.ts';
import { KeptPartition } from './kept-partition.ts';
import type { Raw } from './traffic.ts';

/**
 * What one process makes of the recorded input of every partition, and of the states that were moved between two generations of a sink.
 * `former`: what the sinks were configured as before; each entry is applied under the configuration that its owner wrote before it.
 */
export async function fromRecordings(
  setup: Setup,
  cluster: string,
  folder: string,
  former: readonly SinkConfig[] = [],
): Promise<ExpectedOutputs> {
  const expected = new ExpectedOutputs(setup.sinks);
  const all = await recordings(folder);
  for (const sink of setup.sinks) {
    const ofSink = all.filter((recording) => recording.sink === sink.sink);
    let stored: readonly StoredPartition[] | null = null;
    for (const generation of generationsOf(ofSink)) {
      const count = countOf(ofSink, generation);
      if (stored !== null) {
        const { steps, order, from, takes } = relocation(sink, generation - 1, stored.length);
        stored = relocate(stored, { steps, order, from, takes, partitions: count }).partitions;
      }
      const before: readonly StoredPartition[] | null = stored;
      const configured = new Map([sink, ...former.filter((other) => other.sink === sink.sink)].map((each) => [each.hash, each]));
      const partitions: KeptPartition[] = Array.from(
        { length: count },
        (_, i) => new KeptPartition(sinkChain(cluster, sink), before?.[i]),
      );
      for (const recording of ofSink) {
        if (recording.generation !== generation) continue;
        let partition = partitions[recording.partition];
        let under = sink.hash;
        for (const entries of parseRecording(recording.text)) {
          partition?.takenOver();
          for (const text of entries) {
            const entry = parseEntry(text);
            const other = entry.kind === 'config' && entry.hash !== under ? configured.get(entry.hash) : undefined;
            if (other !== undefined && partition !== undefined) {
              under = other.hash;
              partition = new KeptPartition(sinkChain(cluster, other), partition.stored);
              partitions[recording.partition] = partition;
            }
            const applied = partition?.apply(entry);
            expected.add({ sink: sink.sink, items: speak(applied?.out ?? [], itemLines).items });
          }
        }
      }
      stored = partitions.map((partition) => partition.stored);
    }
  }
  return expected;
}

/** What one process makes of the raw input, in the order in which it was published; whatever waits for time may come, too. */
export function fromRaw(setup: Setup, cluster: string, published: readonly Raw[], sinks: ReadonlySet<string>): ExpectedOutputs {
  const some = setup.sinks.filter((sink) => sinks.has(sink.sink));
  const expected = new ExpectedOutputs(some);
  const replay = new Replay(cluster, some, setup.converter, Date.now(), (output) => expected.add(output));
  for (const { body } of published) replay.apply(decodeNotification(Buffer.from(body)));
  expected.restMayCome();
  replay.pass(3_600_000);
  return expected;
}

export interface Routed {
  /** `sink TAB item id` that stand in the topic of a sink that should not have them, or in two partitions of one. */
  readonly wrong: readonly string[];
  /** `sink TAB item id` that do not stand where they should. */
  readonly missing: readonly string[];
  readonly right: number;
}

/** Is every item once in the topic of each sink that takes it, and in no other? Repeats of an entry or a notification count once. */
export async function checkRouting(setup: Setup, folder: string, published: readonly Raw[]): Promise<Routed> {
  const router = createRouter(setup.sinks);
  const expected = new Map<string, readonly string[]>();
  const keys = setup.sinks.map(({ partitionBy }) => compileGroupingKey(partitionBy));
  for (const { body } of published) {
    const { samples, events } = setup.converter.convert(decodeNotification(Buffer.from(body)));
    router.route('', samples, events, (sinkIndex, _, part) => {
      for (const item of part.items)
        expected.set(`${setup.sinks[sinkIndex]?.sink}\t${itemId(item)}`, keys[sinkIndex]?.(item) ?? []);
    });
  }
  const found = new Map<string, number>();
  const wrong: string[] = [];
  const all = await recordings(folder);
  for (const { sink, generation, partition, text } of all) {
    const count = countOf(
      all.filter((other) => other.sink === sink),
      generation,
    );
    for (const written of parseRecording(text).flat()) {
      const entry = parseEntry(written);
      if (entry.kind !== 'data') continue;
      for (const { items } of entry.notifications) {
        for (const item of items) {
          const key = `${sink}\t${itemId(item)}`;
          const values = expected.get(key);
          if (values === undefined || partitionOf(values, count) !== partition) wrong.push(key);
          found.set(key, partition);
        }
      }
    }
  }
  const missing = [...expected.keys()].filter((key) => !found.has(key));
  return { wrong, missing, right: found.size - wrong.length };
}

interface Recording {
  readonly sink: string;
  readonly generation: number;
  readonly partition: number;
  readonly text: string;
}

async function recordings(folder: string): Promise<readonly Recording[]> {
  const found: Recording[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const ref = parsePartitionName(basename(name, '.log'));
    if (ref === null) continue;
    const { sink, generation, partition } = ref;
    found.push({ sink, generation, partition, text: await readFile(join(folder, name), 'utf8') });
  }
  return found;
}

function generationsOf(recordings: readonly Recording[]): readonly number[] {
  return [...new Set(recordings.map(({ generation }) => generation))].sort((a, b) => a - b);
}

/** Every partition is recorded: its first owner writes the configuration down. */
function countOf(recordings: readonly Recording[], generation: number): number {
  const ofGeneration = recordings.filter((recording) => recording.generation === generation);
  return Math.max(...ofGeneration.map(({ partition }) => partition)) + 1;
}

/** Under how many configurations the partitions of a sink were run. */
export async function configurationsOf(folder: string, sink: string): Promise<number> {
  const texts = (await recordings(folder)).filter((recording) => recording.sink === sink).map(({ text }) => text);
  const entries = texts.flatMap((text) =>
    parseRecording(text)
      .flat()
      .map((each) => parseEntry(each)),
  );
  return new Set(entries.flatMap((entry) => (entry.kind === 'config' ? [entry.hash] : []))).size;
}
