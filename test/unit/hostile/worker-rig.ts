import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbedded } from '../../../src/agent/open-embedded.ts';
import type { SinkConfig } from '../../../src/config/sink-config.ts';
import { transformers } from '../../../src/core/transformers/registry.ts';
import type { AnyTransformer } from '../../../src/core/transformers/transformer.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { Semaphore } from '../../../src/lib/semaphore.ts';
import { printEntry } from '../../../src/model/entry.ts';
import type { Item } from '../../../src/model/item.ts';
import type { Sample } from '../../../src/model/sample.ts';
import { DeadLetters } from '../../../src/pipeline/dead-letters.ts';
import type { Blob, Lane, Outcome } from '../../../src/pipeline/lane.ts';
import { createTally } from '../../../src/pipeline/tally.ts';
import { runWorker } from '../../../src/pipeline/worker.ts';
import { type PartitionRef, partitionName } from '../../../src/topics/topic.ts';
import { sampleWith } from '../../sample.ts';

const ref: PartitionRef = { cluster: 'c', sink: 'hostile', generation: 1, partition: 0 };
const encoder = new TextEncoder();

export function steps(given: Readonly<Record<string, unknown>>): SinkConfig['steps'] {
  return Object.entries(given).map(([name, parameters]) => {
    const transformer = transformers[name] as AnyTransformer;
    return { name, transformer, parameters: transformer.Parameters.parse(parameters) };
  });
}

export function sample(id: string, fields: Partial<Record<keyof Sample, unknown>> = {}): Sample {
  return { ...sampleWith({ id }), ...fields } as Sample;
}

/** One partition on the embedded adapters, in a folder of its own. */
export async function openWorld(sinkSteps: SinkConfig['steps']) {
  const folder = await mkdtemp(join(tmpdir(), 'ceilograph-hostile-'));
  const embedded = await openEmbedded({ dataDir: folder });
  const deadLetters = await DeadLetters.open({ directory: join(folder, 'dead-letters'), clock: systemClock });
  await embedded.topics.create([ref], () => encoder.encode(printEntry({ kind: 'genesis', ...ref, uuid: 'u' })), 1 << 20);
  const config = { ...sinkConfig, steps: sinkSteps };
  let seq = 0;

  /** Each list of items as one notification, all in one entry; `raw` is put there as it is. */
  const append = async (...notifications: readonly (readonly Item[])[]) => {
    const parts = notifications.map((items, i) => ({ id: `n${seq}-${i}`, items }));
    seq += 1;
    await appendRaw(
      printEntry({ kind: 'data', listener: 'l', seq, at: Date.now(), proven: 0, notifications: parts, canaries: [] }),
    );
  };
  const appendRaw = async (text: string) => {
    const appender = await embedded.topics.openAppender();
    await appender.append([{ partition: ref, bytes: encoder.encode(text) }], AbortSignal.timeout(5_000));
    await appender.close();
  };

  /** Runs an owner until `done` holds, then stops it; rejects with what ended it before. */
  const own = async (agent: string, lane: KeepingLane, done: () => boolean | Promise<boolean>) => {
    const acquired = await embedded.group.acquire({ agent, boot: `${agent}-boot` }, partitionName(ref), 0, 5_000);
    if (acquired.kind !== 'acquired') throw new Error('the partition is not free');
    const soft = new AbortController();
    const hard = new AbortController();
    const tally = createTally();
    const ended = runWorker(
      {
        config,
        cluster: 'c',
        topics: embedded.topics,
        store: embedded.store,
        lanes: [lane as unknown as Lane],
        deadLetters,
        recorder: null,
        tally,
        clock: systemClock,
        awaitedFeeds: [],
        leaseTtlMs: 5_000,
        turns: new Semaphore(1),
        report: () => undefined,
      },
      ref,
      acquired.token,
      { soft: soft.signal, hard: hard.signal },
    );
    const deadline = Date.now() + 20_000;
    const watch = async () => {
      while (!(await done()) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    try {
      await Promise.race([watch(), ended]);
      if (!lane.accepts) hard.abort();
    } finally {
      soft.abort();
      await ended.finally(() => embedded.group.release(acquired.token));
    }
    return tally;
  };

  const close = async () => {
    await deadLetters.close();
    await embedded.close();
    await rm(folder, { recursive: true });
  };
  const outboxItems = async () => (await embedded.store.describe(partitionName(ref))).outboxItems;
  return { append, appendRaw, own, deadLetters, outboxItems, close };
}

/** A target that keeps what it is offered; one that does not accept leaves everything unanswered, as one that is away. */
export class KeepingLane implements Pick<Lane, 'name' | 'offer' | 'full' | 'whenRoom'> {
  readonly name = 'out';
  readonly items: Item[] = [];
  readonly accepts: boolean;

  constructor(accepts = true) {
    this.accepts = accepts;
  }

  offer(blob: Blob): Promise<Outcome> {
    this.items.push(...blob.items);
    return this.accepts ? Promise.resolve('done') : new Promise(() => undefined);
  }

  full(): boolean {
    return false;
  }

  async whenRoom(): Promise<void> {}
}

const sinkConfig: SinkConfig = {
  sink: 'hostile',
  from: 'samples',
  sources: [{ name: 'hostile', match: ['*'] }],
  partitionBy: ['resource_id'],
  partitions: 1,
  steps: [],
  publish: [],
  order: { kind: 'arrival' },
  direct: 'auto',
  record: null,
  compat: false,
  hash: 'h',
  origin: 'test:1',
};
