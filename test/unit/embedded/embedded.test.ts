import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Embedded, type EmbeddedOptions, openEmbedded } from '../../../src/agent/open-embedded.ts';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import type { Attachment, PartitionRef, Received } from '../../../src/topics/topic.ts';

const never = new AbortController().signal;
const ref: PartitionRef = { cluster: 'c', sink: 's', generation: 1, partition: 0 };

let dataDir: string;
const opened: Embedded[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ceilograph-'));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((embedded) => embedded.close()));
  await rm(dataDir, { recursive: true, force: true });
});

async function open(options: Omit<EmbeddedOptions, 'dataDir'> = {}): Promise<Embedded> {
  const embedded = await openEmbedded({ dataDir, ...options });
  opened.push(embedded);
  return embedded;
}

describe('embedded topics', () => {
  const entry = (text: string) => ({ partition: ref, bytes: Buffer.from(text) });
  const take = async (attachment: Attachment, count: number) => {
    const received: Received[] = [];
    while (received.length < count) received.push(...(await attachment.read(count - received.length, 10_000, never)));
    return received;
  };

  it('makes holes between offsets on purpose when a test asks for it', async () => {
    const { topics } = await open({ faults: { holes: true } });
    await topics.create([ref], () => Buffer.from('genesis'), 1000);
    await (await topics.openAppender()).append(['a', 'b', 'c'].map(entry), never);

    const offsets = (await take(await topics.attach(ref, null, 10), 4)).map(({ offset }) => offset);

    expect(offsets.some((offset, i) => i > 0 && offset - (offsets[i - 1] ?? 0) > 1)).toBe(true);
  });

  it('removes what is settled, a bounded number of entries at a time, and keeps the anchor', async () => {
    const { topics } = await open();
    await topics.create([ref], () => Buffer.from('genesis'), 1_000_000);
    const count = 1200;
    await (await topics.openAppender()).append(
      Array.from({ length: count }, (_, i) => entry(`entry ${i}`)),
      never,
    );
    const attachment = await topics.attach(ref, null, 10);
    const anchor = (await take(attachment, count)).at(-1)?.offset ?? 0;
    const firstLeft = async () => (await take(await topics.attach(ref, null, 10), 1))[0]?.offset ?? 0;

    const left: number[] = [];
    for (let settled = 0; settled < 4; settled++) {
      await attachment.settle(anchor);
      left.push(await firstLeft());
    }

    expect(left).toEqual([513, 1025, anchor, anchor]);
    expect((await topics.stats(ref)).entries).toBe(1);
  });

  it('wakes a reader of the same process at once, without any time passing', async () => {
    const { topics } = await open({ clock: new ManualClock() });
    await topics.create([ref], () => Buffer.from('genesis'), 1000);
    const attachment = await topics.attach(ref, null, 10);
    await take(attachment, 1);

    const waiting = attachment.read(1, 1000, never);
    await (await topics.openAppender()).append([entry('a')], never);

    expect((await waiting).map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['a']);
  });

  it('tells when an append begins and ends to wait at the bound', async () => {
    const told: (readonly [string, boolean])[] = [];
    const { topics } = await open({ onBounded: (partition, since) => told.push([partition.sink, since !== null]) });
    await topics.create([ref], () => Buffer.from('genesis'), 5);
    const appender = await topics.openAppender();
    await appender.append([entry('12345')], never);
    const attachment = await topics.attach(ref, null, 10);

    const waiting = appender.append([entry('6')], never);
    await expect.poll(() => told.length).toBe(1);
    await attachment.settle((await take(attachment, 2))[1]?.offset ?? 0);
    await waiting;

    expect(told).toEqual([
      ['s', true],
      ['s', false],
    ]);
  });

  it('appends in the end when the disk was full for a while', async () => {
    let failures = 0;
    const { topics } = await open({
      faults: {
        beforeTransaction: (where) => {
          if (where === 'topics' && failures-- > 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        },
      },
    });
    await topics.create([ref], () => Buffer.from('genesis'), 1000);
    failures = 3;

    await (await topics.openAppender()).append([entry('a')], never);

    expect(failures).toBeLessThan(0);
    expect((await topics.stats(ref)).entries).toBe(1);
  });

  it('ends an append that waits at the bound when it is closed', async () => {
    const { topics } = await open();
    await topics.create([ref], () => Buffer.from('genesis'), 1);
    const appender = await topics.openAppender();
    await appender.append([entry('12345')], never);

    const waiting = expect(appender.append([entry('6')], never)).rejects.toMatchObject({ class: 'retryable', code: 'closed' });
    await topics.close();

    await waiting;
  });

  it('ends waiting readers when it is closed', async () => {
    const { topics } = await open();
    await topics.create([ref], () => Buffer.from('genesis'), 1000);
    const attachment = await topics.attach(ref, null, 10);
    await take(attachment, 1);

    const waiting = attachment.read(1, 10_000, never);
    await topics.close();

    expect(await waiting).toEqual([]);
  });
});

describe('embedded leases', () => {
  const unit = 'cg.c.s.g1.p0';
  const [alice, bob] = [
    { agent: 'alice', boot: '1' },
    { agent: 'bob', boot: '2' },
  ];

  it('end with the boot of the machine, whatever its clock says after it', async () => {
    const before = await open({ time: { boot: 'one', now: () => 1_000_000 } });
    await before.group.acquire(alice, unit, 1, 60_000);
    const after = await open({ time: { boot: 'two', now: () => 1_000_001 } });

    expect(await after.group.acquire(bob, unit, 1, 60_000)).toMatchObject({ kind: 'acquired', token: { epoch: 2 } });
  });

  it('last exactly their ttl', async () => {
    let now = 5000;
    const { group } = await open({ time: { boot: 'one', now: () => now } });
    await group.acquire(alice, unit, 1, 1000);

    now = 5999;
    const held = await group.acquire(bob, unit, 1, 1000);
    now = 6000;

    expect(held).toEqual({ kind: 'held', by: 'alice', expiresInMs: 1 });
    expect(await group.acquire(bob, unit, 1, 1000)).toMatchObject({ kind: 'acquired' });
  });
});
