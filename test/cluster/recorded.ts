import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ExpectedOutputs } from '../../src/cli/demo/expected.ts';
import type { Setup } from '../../src/config/load-setup.ts';
import { decodeNotification } from '../../src/core/convert/envelope.ts';
import { createRouter } from '../../src/core/route/router.ts';
import { parseEntry } from '../../src/model/entry.ts';
import { itemId } from '../../src/model/item.ts';
import { parseRecording } from '../../src/pipeline/recorder.ts';
import { Replay } from '../../src/pipeline/replay.ts';
import type { Raw } from './traffic.ts';

/** What one process makes of the recorded input of every partition. */
export async function fromRecordings(setup: Setup, cluster: string, folder: string): Promise<ExpectedOutputs> {
  const expected = new ExpectedOutputs(setup.sinks);
  const replay = new Replay(cluster, setup.sinks, setup.converter, Date.now(), (output) => expected.add(output));
  for (const { sink, partition, text } of await recordings(folder)) replay.applyRecording(sink, partition, text);
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
  const expected = new Map<string, number>();
  for (const { body } of published) {
    const { samples, events } = setup.converter.convert(decodeNotification(Buffer.from(body)));
    router.route('', samples, events, (sinkIndex, partition, part) => {
      for (const item of part.items) expected.set(`${setup.sinks[sinkIndex]?.sink}\t${itemId(item)}`, partition);
    });
  }
  const found = new Map<string, number>();
  const wrong: string[] = [];
  for (const { sink, partition, text } of await recordings(folder)) {
    for (const written of parseRecording(text).flat()) {
      const entry = parseEntry(written);
      if (entry.kind !== 'data') continue;
      for (const { items } of entry.notifications) {
        for (const item of items) {
          const key = `${sink}\t${itemId(item)}`;
          if (expected.get(key) !== partition) wrong.push(key);
          found.set(key, partition);
        }
      }
    }
  }
  const missing = [...expected.keys()].filter((key) => !found.has(key));
  return { wrong, missing, right: found.size - wrong.length };
}

async function recordings(folder: string) {
  const found: { readonly sink: string; readonly partition: number; readonly text: string }[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const [, sink, partition] = /^cg\..+\.([a-z0-9_-]+)\.g\d+\.p(\d+)\.log$/.exec(basename(name)) ?? [];
    if (sink === undefined) continue;
    found.push({ sink, partition: Number(partition), text: await readFile(join(folder, name), 'utf8') });
  }
  return found;
}
