import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Embedded, openEmbedded } from '../../../src/agent/open-embedded.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { Semaphore } from '../../../src/lib/semaphore.ts';
import { type Entry, printEntry } from '../../../src/model/entry.ts';
import { itemId } from '../../../src/model/item.ts';
import { DeadLetters } from '../../../src/pipeline/dead-letters.ts';
import type { Blob, Lane } from '../../../src/pipeline/lane.ts';
import type { Recorder } from '../../../src/pipeline/recorder.ts';
import { createTally } from '../../../src/pipeline/tally.ts';
import { runWorker } from '../../../src/pipeline/worker.ts';
import type { PartitionStore } from '../../../src/state/partition-store.ts';
import { type PartitionRef, partitionName } from '../../../src/topics/topic.ts';
import { sampleWith } from '../../sample.ts';

const refs: readonly PartitionRef[] = [0, 1, 2, 3].map((partition) => ({ cluster: 'c', sink: 's', generation: 1, partition }));
const encoder = new TextEncoder();

let folder: string;
let embedded: Embedded;
let deadLetters: DeadLetters;
let out: Set<string>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-killer-'));
  embedded = await openEmbedded({ dataDir: folder });
  deadLetters = await DeadLetters.open({ directory: join(folder, 'dead-letters'), clock: systemClock });
  await embedded.topics.create(refs, (ref) => encoder.encode(printEntry({ kind: 'genesis', ...ref, uuid: 'u' })), 1024 * 1024);
  out = new Set();
});

afterEach(async () => {
  await deadLetters.close();
  await embedded.close();
  await rm(folder, { recursive: true });
});

/** An entry with one sample for each id, one after the other, into one partition. */
async function append(ref: PartitionRef, ids: readonly string[], listener = `l${ref.partition}`): Promise<void> {
  const appender = await embedded.topics.openAppender();
  const entries = ids.map((id, index) => ({
    partition: ref,
    bytes: encoder.encode(
      printEntry({
        kind: 'data',
        listener,
        seq: index + 1,
        at: Date.now(),
        proven: 0,
        notifications: [{ id: `n-${id}`, items: [sampleWith({ id })] }],
        canaries: [],
      }),
    ),
  }));
  await appender.append(entries, AbortSignal.timeout(5_000));
  await appender.close();
}

/** One process that owns every partition. Resolves with whether it was killed, or once all that can come out is out. */
async function live(nth: number, isDone: () => boolean): Promise<boolean> {
  const soft = new AbortController();
  const hard = new AbortController();
  let killed = false;
  const kill = () => {
    killed = true;
    hard.abort(new Error('killed'));
    soft.abort(new Error('killed'));
  };
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (killed) throw new Error('killed');
    return await work();
  };
  const store = new Proxy(embedded.store, {
    get: (target, method: keyof PartitionStore) => {
      const own = target[method] as unknown;
      if (typeof own !== 'function') return own;
      return (...args: unknown[]) => alive(async () => (await own.apply(target, args)) as unknown);
    },
  });
  const record = async (_ref: PartitionRef, _by: unknown, entry: Entry) => {
    const ids = entry.kind === 'data' ? entry.notifications.flatMap(({ items }) => items.map(itemId)) : [];
    if (ids.some((id) => id.startsWith('deadly'))) kill();
    if (killed) throw new Error('killed');
  };
  const lane = {
    name: 'out',
    offer: async ({ items }: Blob) => {
      if (killed) return 'left';
      for (const item of items) out.add(itemId(item));
      if (isDone()) soft.abort(new Error('all is out'));
      return 'done';
    },
    full: () => false,
    whenRoom: async () => undefined,
  };
  const turns = new Semaphore(1);
  const workers = refs.map(async (ref) => {
    const who = { agent: 'a', boot: `life-${nth}` };
    const got = await embedded.group.acquire(who, partitionName(ref), 0, 60_000);
    if (got.kind !== 'acquired') throw new Error('the partition is not free');
    const deps = {
      config: {
        sink: 's',
        from: 'samples',
        sources: [],
        partitionBy: [],
        partitions: 4,
        steps: [],
        publish: [],
        order: { kind: 'arrival' },
      },
      cluster: 'c',
      topics: embedded.topics,
      store,
      lanes: [lane as unknown as Lane],
      deadLetters,
      recorder: { record } as unknown as Recorder,
      tally: createTally(),
      clock: systemClock,
      awaitedFeeds: [],
      leaseTtlMs: 60_000,
      turns,
      report: () => undefined,
    };
    await runWorker(deps as never, ref, got.token, { soft: soft.signal, hard: hard.signal }).catch((error: unknown) => {
      if (!killed) throw error;
    });
    await embedded.group.release(got.token);
  });
  await Promise.all(workers);
  return killed;
}

describe('an entry that ends every process that applies it', () => {
  it.each([0, 5, 63])('is found behind %i others, and nothing else is lost', async (before) => {
    const others = Array.from({ length: 40 }, (_, index) => index);
    const front = Array.from({ length: before }, (_, index) => `front-${index}`);
    const first = refs[0] as PartitionRef;
    await append(first, [...front, 'behind', 'deadly', 'after']);
    // Its source gave it again before it was acknowledged: the same notification by another listener.
    await append(first, ['deadly'], 'again');
    for (const ref of refs.slice(1))
      await append(
        ref,
        others.map((nth) => `p${ref.partition}-${nth}`),
      );
    const expected = before + 2 + 3 * 40;

    let lives = 1;
    while (await live(lives, () => out.size === expected)) {
      if (lives > 20) throw new Error(`still dying after ${lives} lives, ${out.size} of ${expected} out`);
      lives += 1;
    }

    expect(deadLetters.stats().byReason).toEqual({ kills_the_worker: 1 });
    expect(out.size).toBe(expected);
    expect(lives).toBeLessThanOrEqual(10);
  });
});
