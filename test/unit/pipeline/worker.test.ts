import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Embedded, openEmbedded } from '../../../src/agent/open-embedded.ts';
import type { SinkConfig } from '../../../src/config/sink-config.ts';
import type { LeaseToken } from '../../../src/coordination/group.ts';
import { transformers } from '../../../src/core/transformers/registry.ts';
import type { AnyTransformer } from '../../../src/core/transformers/transformer.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { Semaphore } from '../../../src/lib/semaphore.ts';
import { type DataEntry, printEntry } from '../../../src/model/entry.ts';
import type { Item } from '../../../src/model/item.ts';
import { itemId } from '../../../src/model/item.ts';
import type { Sample } from '../../../src/model/sample.ts';
import { DeadLetters } from '../../../src/pipeline/dead-letters.ts';
import type { Blob, Lane, Outcome } from '../../../src/pipeline/lane.ts';
import { createTally } from '../../../src/pipeline/tally.ts';
import { runWorker, type WorkerDeps, type WorkerEvent } from '../../../src/pipeline/worker.ts';
import type { PartitionStore } from '../../../src/state/partition-store.ts';
import { type PartitionRef, partitionName } from '../../../src/topics/topic.ts';
import { sampleWith } from '../../sample.ts';

const ref: PartitionRef = { cluster: 'c', sink: 'rates', generation: 1, partition: 0 };
const unit = partitionName(ref);
const encoder = new TextEncoder();

let folder: string;
let embedded: Embedded;
let deadLetters: DeadLetters;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-worker-'));
  embedded = await openEmbedded({ dataDir: folder });
  deadLetters = await DeadLetters.open({ directory: join(folder, 'dead-letters'), clock: systemClock });
  const genesis = () => encoder.encode(printEntry({ kind: 'genesis', ...ref, uuid: 'u' }));
  await embedded.topics.create([ref], genesis, 1024 * 1024);
});

const running: { soft: AbortController; hard: AbortController; ended: Promise<void> }[] = [];

afterEach(async () => {
  for (const worker of running.splice(0)) {
    worker.soft.abort();
    worker.hard.abort();
    await worker.ended.catch(() => undefined);
  }
  await deadLetters.close();
  await embedded.close();
  await rm(folder, { recursive: true });
});

function config(): SinkConfig {
  const transformer = transformers['rate_of_change'] as AnyTransformer;
  return {
    sink: 'rates',
    from: 'samples',
    sources: [{ name: 'rates', match: ['*'] }],
    partitionBy: ['resource_id'],
    partitions: 1,
    steps: [{ name: 'rate_of_change', transformer, parameters: transformer.Parameters.parse({ target: { name: 'rate' } }) }],
    publish: [],
    order: { kind: 'arrival' },
    direct: 'auto',
    record: null,
    compat: false,
    hash: 'h',
    origin: 'test:1',
  };
}

function cpu(second: number): Sample {
  return sampleWith({
    id: `s${second}`,
    type: 'cumulative',
    unit: 'ns',
    volume: second * 10,
    timestamp: new Date(Date.parse('2026-01-01T00:00:00Z') + second * 1000).toISOString(),
  });
}

async function append(...seconds: readonly number[]): Promise<void> {
  const appender = await embedded.topics.openAppender();
  for (const second of seconds) {
    const notifications = [{ id: `n${second}`, items: [cpu(second)] }];
    const entry: DataEntry = { kind: 'data', listener: 'l', seq: second, at: Date.now(), proven: 0, notifications, canaries: [] };
    await appender.append([{ partition: ref, bytes: encoder.encode(printEntry(entry)) }], AbortSignal.timeout(5_000));
  }
  await appender.close();
}

async function acquire(agent: string, ttlMs = 5_000): Promise<LeaseToken> {
  for (;;) {
    const result = await embedded.group.acquire({ agent, boot: `${agent}-boot` }, unit, 0, ttlMs);
    if (result.kind === 'acquired') return result.token;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A target that keeps what it is offered; `accept: false` leaves everything unanswered, as one that is away. */
class KeepingLane implements Pick<Lane, 'name' | 'offer' | 'full' | 'whenRoom'> {
  readonly name = 'out';
  readonly blobs: Blob[] = [];
  readonly #accept: boolean;
  /** What becomes of the next offers, one by one; then as `accept` says. */
  answers: Promise<Outcome>[] = [];
  isFull = false;

  constructor(accept = true) {
    this.#accept = accept;
  }

  get items(): Item[] {
    return this.blobs.flatMap((blob) => [...blob.items]);
  }

  offer(blob: Blob): Promise<Outcome> {
    this.blobs.push(blob);
    const answer = this.answers.shift();
    if (answer !== undefined) return answer;
    return this.#accept ? Promise.resolve('done') : new Promise(() => undefined);
  }

  full(): boolean {
    return this.isFull;
  }

  async whenRoom(signal: AbortSignal): Promise<void> {
    while (this.isFull && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function start(token: LeaseToken, lane: KeepingLane, overrides: Partial<SinkConfig> = {}, deps: Partial<WorkerDeps> = {}) {
  const soft = new AbortController();
  const hard = new AbortController();
  const events: WorkerEvent[] = [];
  const tally = createTally();
  const ended = runWorker(
    {
      config: { ...config(), ...overrides },
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
      report: (event) => events.push(event),
      ...deps,
    },
    ref,
    token,
    { soft: soft.signal, hard: hard.signal },
  );
  ended.catch(() => undefined);
  running.push({ soft, hard, ended });
  return { soft, hard, ended, events, tally };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not happen within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const rates = (lane: KeepingLane) => lane.items.map((item) => (item as Sample).timestamp.slice(17, 19));

describe('a worker', () => {
  it('publishes what it computed, clears its outbox and settles what it applied', async () => {
    await append(1, 2, 3);
    const lane = new KeepingLane();
    const worker = start(await acquire('a'), lane);

    await until(() => lane.items.length === 2);
    await until(async () => (await embedded.store.describe(unit)).outboxItems === 0);
    worker.soft.abort();
    await worker.ended;

    expect(rates(lane)).toEqual(['02', '03']);
    await until(async () => (await embedded.topics.stats(ref)).entries === 0);
  });

  it('settles what the owner before had committed and not settled, when nothing more comes', async () => {
    await append(1, 2);
    const { topics } = embedded;
    const attach: typeof topics.attach = async (...args) =>
      Object.assign(await topics.attach(...args), { settle: async () => undefined });
    const first = new KeepingLane();
    const tokenA = await acquire('a');
    const a = start(tokenA, first, {}, { topics: { capabilities: topics.capabilities, attach } as unknown as typeof topics });
    await until(() => first.items.length === 1);
    a.soft.abort();
    await a.ended;
    await embedded.group.release(tokenA);
    const before = (await topics.stats(ref)).entries;

    const b = start(await acquire('b'), new KeepingLane());
    await until(async () => (await topics.stats(ref)).entries === 0);
    b.soft.abort();
    await b.ended;

    expect(before).toBeGreaterThan(0);
  });

  it('goes on where another agent stopped, with its state', async () => {
    await append(1, 2);
    const first = new KeepingLane();
    const tokenA = await acquire('a');
    const a = start(tokenA, first);
    await until(() => first.items.length === 1);
    a.soft.abort();
    await a.ended;
    await embedded.group.release(tokenA);

    await append(3);
    const second = new KeepingLane();
    const b = start(await acquire('b'), second);
    await until(() => second.items.length === 1);
    b.soft.abort();
    await b.ended;

    expect(rates(second)).toEqual(['03']);
  });

  it('publishes the outbox of an agent that died before its target answered, under the same ids', async () => {
    await append(1, 2, 3);
    const away = new KeepingLane(false);
    const tokenA = await acquire('a', 200);
    const a = start(tokenA, away);
    await until(() => away.items.length === 2);
    a.soft.abort();
    a.hard.abort();
    await a.ended;
    await embedded.group.release(tokenA);

    const lane = new KeepingLane();
    const b = start(await acquire('b'), lane);
    await until(() => lane.items.length >= 2);
    b.soft.abort();
    await b.ended;

    expect(lane.items.map(itemId)).toEqual(away.items.map(itemId));
    expect(lane.blobs[0]?.replay).toBe(true);
  });

  it('writes nothing and is quiet once another agent has taken the partition', async () => {
    await append(1);
    const lane = new KeepingLane();
    const a = start(await acquire('a', 100), lane);
    await until(() => a.tally.applied === 1);
    const tokenB = await acquireAfterExpiry('b');

    await append(2);
    await a.ended;

    expect(a.events.map((event) => event.kind)).toContain('fenced');
    expect(lane.items).toEqual([]);
    expect((await embedded.store.load(tokenB, () => undefined)).kind).toBe('ok');
  });

  it('reads no further while a target is at its bound', async () => {
    await append(1, 2);
    const lane = new KeepingLane();
    lane.isFull = true;
    const worker = start(await acquire('a'), lane);
    await until(() => worker.events.some((event) => event.kind === 'running'));
    const before = worker.tally.applied;
    lane.isFull = false;
    await until(() => lane.items.length === 1);
    worker.soft.abort();
    await worker.ended;

    expect(before).toBe(0);
  });

  it('ends a commit with the entry that brings it to 2,000 items, and loses none of the rest', async () => {
    const appender = await embedded.topics.openAppender();
    for (let seq = 1; seq <= 5; seq++) {
      const items = Array.from({ length: 500 }, (_, i) => cpu((seq - 1) * 500 + i));
      const notifications = [{ id: `n${seq}`, items }];
      const entry: DataEntry = { kind: 'data', listener: 'l', seq, at: Date.now(), proven: 0, notifications, canaries: [] };
      await appender.append([{ partition: ref, bytes: encoder.encode(printEntry(entry)) }], AbortSignal.timeout(5_000));
    }
    await appender.close();
    const lane = new KeepingLane();
    const worker = start(await acquire('a'), lane);
    await until(() => lane.items.length === 2_499);
    worker.soft.abort();
    await worker.ended;

    expect(lane.blobs.map(({ items }) => items.length)).toEqual([1_999, 500]);
    expect((await embedded.topics.stats(ref)).entries).toBe(0);
  });

  it('stands still at the bound of its keys, and goes on with everything once there is room', async () => {
    await append(1, 2);
    const full = start(await acquire('a'), new KeepingLane(), { maxKeys: 1 });
    await expect(full.ended).rejects.toMatchObject({ code: 'too_many_keys', class: 'retryable' });
    await append(3);
    const again = start(await acquire('a'), new KeepingLane(), { maxKeys: 1 });
    await expect(again.ended).rejects.toMatchObject({ code: 'too_many_keys' });
    const lane = new KeepingLane();
    const worker = start(await acquire('a'), lane, { maxKeys: 2 });
    await until(() => rates(lane).includes('03'));
    worker.soft.abort();
    await worker.ended;

    expect([full.tally.applied + again.tally.applied + worker.tally.applied, deadLetters.stats().letters]).toEqual([3, 0]);
  });

  it('makes a dead letter of an entry that nobody wrote, and its neighbours pass', async () => {
    await append(1);
    const appender = await embedded.topics.openAppender();
    await appender.append([{ partition: ref, bytes: encoder.encode('{"v":9}') }], AbortSignal.timeout(5_000));
    await append(2);
    const lane = new KeepingLane();
    const worker = start(await acquire('a'), lane);
    await until(() => lane.items.length === 1);
    worker.soft.abort();
    await worker.ended;

    expect(deadLetters.stats().byReason).toEqual({ bad_entry: 1 });
  });
});

describe('the outbox of a partition', () => {
  it('keeps what its target left behind, though something later is done already', async () => {
    await append(1, 2);
    const lane = new KeepingLane();
    let leave: (outcome: Outcome) => void = () => undefined;
    lane.answers = [
      new Promise<Outcome>((resolve) => {
        leave = resolve;
      }),
    ];
    const worker = start(await acquire('a'), lane);
    await until(() => lane.blobs.length === 1);
    await append(3);
    await until(() => lane.blobs.length === 2);

    leave('left');
    worker.soft.abort();
    await worker.ended;

    expect((await embedded.store.describe(unit)).outboxItems).toBe(2);
  });

  it('is cleared once the disk has room again', async () => {
    await append(1, 2);
    let tries = 0;
    const store = storeWith(() => {
      tries += 1;
      if (tries < 3) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    });
    const worker = start(await acquire('a'), new KeepingLane(), {}, { store });
    await until(async () => tries >= 3 && (await embedded.store.describe(unit)).outboxItems === 0);
    worker.soft.abort();

    await worker.ended;
  });

  it('that cannot be cleared ends its worker, and not the process', async () => {
    await append(1, 2);
    const store = storeWith(() => {
      throw new Error('the disk is broken');
    });
    const worker = start(await acquire('a'), new KeepingLane(), {}, { store });

    await expect(worker.ended).rejects.toThrow('the disk is broken');
  });
});

function storeWith(beforeClear: () => void): PartitionStore {
  const { store } = embedded;
  return {
    rollingKeys: store.rollingKeys,
    load: (token, onState) => store.load(token, onState),
    noteStart: (token) => store.noteStart(token, ''),
    commit: (token, commit) => store.commit(token, commit),
    clearOutbox: async (token, group, version) => {
      beforeClear();
      return store.clearOutbox(token, group, version);
    },
    describe: (of) => store.describe(of),
    close: () => store.close(),
  };
}

describe('a state that was lost', () => {
  it('stops its partition: the topic no longer holds what it was made of', async () => {
    await append(1, 2, 3);
    const token = await acquire('a');
    const before = start(token, new KeepingLane());
    await until(async () => before.tally.applied === 3 && (await embedded.topics.stats(ref)).entries === 0);
    before.soft.abort();
    await before.ended;
    await embedded.group.release(token);

    const nothing = { version: 0, cursor: null, outbox: [], ids: [], starts: 0, suspects: '' };
    const store = { ...storeWith(() => undefined), load: async () => ({ kind: 'ok', value: nothing }) as const };
    const worker = start(await acquire('b'), new KeepingLane(), {}, { store });

    await expect(worker.ended).rejects.toMatchObject({ code: 'log_gap' });
    expect(worker.events).toContainEqual({ kind: 'stopped', code: 'LOG_GAP' });
  });
});

describe('a start', () => {
  it('that found nothing to do counts against no entry', async () => {
    const first = await acquire('first');
    const configured = start(first, new KeepingLane());
    await until(async () => (await embedded.store.describe(unit)).version >= 1);
    configured.soft.abort();
    await configured.ended;
    await embedded.group.release(first);
    for (let i = 0; i < 6; i++) {
      const token = await acquire(`idle-${i}`);
      const idle = start(token, new KeepingLane());
      await until(() => idle.events.some((event) => event.kind === 'running'));
      idle.soft.abort();
      await idle.ended;
      await embedded.group.release(token);
    }

    await append(1, 2);
    const lane = new KeepingLane();
    const worker = start(await acquire('a'), lane);
    await until(() => worker.tally.applied === 2);
    worker.soft.abort();
    await worker.ended;

    expect(deadLetters.stats().byReason).toEqual({});
    expect(rates(lane)).toEqual(['02']);
  });
});

describe('a worker with feeds to wait for', () => {
  const tick = async (at: number) => {
    const appender = await embedded.topics.openAppender();
    const bytes = encoder.encode(printEntry({ kind: 'tick', incarnation: 1, epoch: 99, n: at, at }));
    await appender.append([{ partition: ref, bytes }], AbortSignal.timeout(5_000));
    await appender.close();
  };

  it('no longer waits for a feed that its agent no longer has', async () => {
    const first = await acquire('first');
    const before = start(first, new KeepingLane(), {}, { awaitedFeeds: ['old'] });
    await tick(Date.now() + 60_000);
    await until(() => before.events.some((event) => event.kind === 'feed-late'));
    before.soft.abort();
    await before.ended;
    await embedded.group.release(first);

    const minuteLater = { ...systemClock, now: () => Date.now() + 60_000 };
    const after = start(await acquire('a'), new KeepingLane(), {}, { awaitedFeeds: ['new'], clock: minuteLater });
    await tick(minuteLater.now());
    await append(1, 2);
    await until(() => after.tally.applied === 2);
    after.soft.abort();
    await after.ended;

    expect(after.events.filter((event) => event.kind === 'feed-late')).toEqual([]);
  });
});

describe('a target that may drop', () => {
  it('never holds its partition up', async () => {
    await append(1, 2);
    const lane = new KeepingLane();
    lane.isFull = true;
    const target = { kind: 'file', name: 'out', parameters: {}, onFull: 'drop', maxOutboxBytes: 1 } as const;
    const publish = [{ ...target, batch: { maxItems: 1, maxBytes: 1, lingerMs: 0 } }];
    const worker = start(await acquire('a'), lane, { publish });
    await until(() => worker.tally.applied === 2);
    worker.soft.abort();
    await worker.ended;

    expect(rates(lane)).toEqual(['02']);
  });
});

describe('a sink in the order of event time', () => {
  it('computes in that order, whatever order its items came in', async () => {
    const appender = await embedded.topics.openAppender();
    for (const [index, second] of [1, 3, 2, 60].entries()) {
      const notifications = [{ id: `n${second}`, items: [cpu(second)] }];
      const entry: DataEntry = {
        kind: 'data',
        listener: 'l',
        seq: index + 1,
        at: Date.now(),
        proven: 0,
        notifications,
        canaries: [],
      };
      await appender.append([{ partition: ref, bytes: encoder.encode(printEntry(entry)) }], AbortSignal.timeout(5_000));
    }
    await appender.close();
    const lane = new KeepingLane();
    const worker = start(await acquire('a'), lane, { order: { kind: 'event', latenessMs: 10_000 } });
    await until(() => worker.tally.applied === 4);
    await until(() => lane.items.length === 2);
    worker.soft.abort();
    await worker.ended;

    expect(rates(lane)).toEqual(['02', '03']);
  });
});

async function acquireAfterExpiry(agent: string): Promise<LeaseToken> {
  // The living owner's commits renew its lease for 5 s; taking the lease away by release stands in for their expiry.
  const lease = (await embedded.group.leases()).find((one) => one.unit === unit);
  if (lease?.agent && lease.boot) {
    await embedded.group.release({ agent: lease.agent, boot: lease.boot, unit, epoch: lease.epoch, incarnation: 1 });
  }
  return acquire(agent);
}
