import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Appender, Attachment, PartitionRef, Received, Topics } from '../../src/topics/topic.ts';
import { killChildren, type Ports, spawnChild, until, type World } from './world.ts';

type TopicsWorld = World<Pick<Ports, 'topics'>>;

const cluster = 'test';
const bound = 1_000_000;
const longMs = 10_000;
const never = new AbortController().signal;

/** What every adapter of the topics port owes. Differences come only from `capabilities`. */
export function describeTopics(name: string, makeWorld: () => Promise<TopicsWorld>): void {
  describe(`topics: ${name}`, () => {
    let world: TopicsWorld;
    let topics: Topics;
    let appender: Appender;
    const ref = refOf(0);

    beforeEach(async () => {
      world = await makeWorld();
      topics = (await world.open()).topics;
      await topics.create([ref], genesisOf, bound);
      appender = await topics.openAppender();
    });
    afterEach(async () => {
      await killChildren();
      await world.dispose();
    });

    const append = (...texts: string[]) =>
      appender.append(
        texts.map((text) => ({ partition: ref, bytes: Buffer.from(text) })),
        never,
      );

    it('delivers the genesis entry before every other', async () => {
      await append('a', 'b');

      const attachment = await topics.attach(ref, null, 10);

      expect(texts(await take(attachment, 3))).toEqual([textOf(genesisOf(ref)), 'a', 'b']);
    });

    it('leaves a partition that exists as it is when it is created again', async () => {
      await append('a');

      await topics.create([ref, refOf(1)], () => Buffer.from('another genesis'), bound);

      const [old, fresh] = [await topics.attach(ref, null, 10), await topics.attach(refOf(1), null, 10)];
      expect(texts(await take(old, 2))).toEqual([textOf(genesisOf(ref)), 'a']);
      expect(texts(await take(fresh, 1))).toEqual(['another genesis']);
    });

    it('delivers entries in the order of appending, with increasing offsets and unchanged bytes', async () => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      await append('a', 'b');
      await appender.append([{ partition: ref, bytes }], never);
      await append('c');

      const received = await take(await topics.attach(ref, null, 10), 5);

      expect(texts(received.slice(1, 3))).toEqual(['a', 'b']);
      expect(Buffer.from(received[3]?.bytes ?? []).equals(bytes)).toBe(true);
      expect(texts(received.slice(4))).toEqual(['c']);
      expect(received.map(({ offset }) => offset)).toEqual(
        [...new Set(received.map(({ offset }) => offset))].sort((a, b) => a - b),
      );
    });

    it('confirms appends in the order they were asked for', async () => {
      const confirmed: number[] = [];

      await Promise.all(Array.from({ length: 20 }, (_, i) => append(`entry ${i}`).then(() => confirmed.push(i))));

      const received = await take(await topics.attach(ref, null, 100), 21);
      expect(confirmed).toEqual(Array.from({ length: 20 }, (_, i) => i));
      expect(texts(received.slice(1))).toEqual(confirmed.map((i) => `entry ${i}`));
    });

    it('confirms nothing while an earlier append waits at its bound', async () => {
      const small = refOf(2);
      await topics.create([small], genesisOf, 1000);
      const stop = new AbortController();
      const confirmed: string[] = [];
      const filling = (async () => {
        for (;;) await appender.append([{ partition: small, bytes: Buffer.alloc(400) }], stop.signal);
      })().catch(() => confirmed.push('the waiting one gave up'));
      await until(async () => ((await topics.stats(small)).bytes >= 1000 ? true : undefined));
      // Another appender's append shows that there was time: for the next one to begin its wait, and then for what comes behind it.
      const other = await topics.openAppender();
      const timePasses = () => other.append([{ partition: ref, bytes: Buffer.from('other') }], never);
      await timePasses();
      const later = append('later').then(() => confirmed.push('later'));
      await timePasses();

      stop.abort(new Error('stopped by the test'));
      await Promise.all([filling, later]);

      expect(confirmed).toEqual(['the waiting one gave up', 'later']);
    });

    it('keeps partitions apart', async () => {
      const other = refOf(1);
      await topics.create([other], genesisOf, bound);
      await appender.append(
        [ref, other, ref, other].map((partition, i) => ({ partition, bytes: Buffer.from(`entry ${i}`) })),
        never,
      );

      const received = await Promise.all([ref, other].map(async (each) => take(await topics.attach(each, null, 10), 3)));

      expect(received.map((entries) => texts(entries.slice(1)))).toEqual([
        ['entry 0', 'entry 2'],
        ['entry 1', 'entry 3'],
      ]);
    });

    it.each([
      'append',
      'attach',
      'stats',
    ] as const)('answers %s on a missing partition with a retryable no_topic', async (call) => {
      const missing = refOf(7);
      const calls = {
        append: () => appender.append([{ partition: missing, bytes: Buffer.from('a') }], never),
        attach: async () => (await topics.attach(missing, null, 10)).read(1, longMs, never),
        stats: () => topics.stats(missing),
      };

      await expect(calls[call]()).rejects.toMatchObject({ class: 'retryable', code: 'no_topic' });
    });

    it('goes on appending after a missing partition', async () => {
      await expect(appender.append([{ partition: refOf(7), bytes: Buffer.from('lost') }], never)).rejects.toMatchObject({
        code: 'no_topic',
      });

      await append('a');

      expect(texts(await take(await topics.attach(ref, null, 10), 2))).toEqual([textOf(genesisOf(ref)), 'a']);
    });

    it('sends nothing any more of what may not go, and goes on', async () => {
      const entries = [{ partition: ref, bytes: Buffer.from('of another by now') }];
      await expect(appender.append(entries, never, () => false)).rejects.toMatchObject({
        class: 'retryable',
        code: 'custody_lost',
      });

      await append('a');

      expect(texts(await take(await topics.attach(ref, null, 10), 2))).toEqual([textOf(genesisOf(ref)), 'a']);
    });

    it('waits for the next entry, whichever client appends it', async () => {
      const other = (await world.open()).topics;
      const otherAppender = await other.openAppender();
      const attachment = await topics.attach(ref, null, 10);
      await take(attachment, 1);

      const own = attachment.read(10, 10 * longMs, never);
      await append('own');
      const first = texts(await own);
      // Longer than the test may take: who only looks again when the wait is over does not pass.
      const foreign = attachment.read(10, 10 * longMs, never);
      await otherAppender.append([{ partition: ref, bytes: Buffer.from('foreign') }], never);

      expect([first, texts(await foreign)]).toEqual([['own'], ['foreign']]);
    });

    it('answers with nothing when the wait runs out', async () => {
      const attachment = await topics.attach(ref, null, 10);
      await take(attachment, 1);

      expect(await attachment.read(10, 30, never)).toEqual([]);
    });

    it('ends a wait with the reason of the signal', async () => {
      const attachment = await topics.attach(ref, null, 10);
      await take(attachment, 1);
      const stop = new AbortController();

      const waiting = attachment.read(10, longMs, stop.signal);
      stop.abort(new Error('stopped by the test'));

      await expect(waiting).rejects.toThrow('stopped by the test');
    });

    it('delivers unsettled entries again after the attachment is lost, beginning behind the settled ones', async () => {
      await append('a', 'b', 'c', 'd');
      const lost = await topics.attach(ref, null, 10);
      const before = await take(lost, 5);
      const anchor = offsetOf(before, 2);
      await lost.settle(anchor);
      await lost.close();

      const again = await afterAnchor(topics, ref, anchor, 2);

      expect(texts(again)).toEqual(['c', 'd']);
    });

    it('delivers the anchor entry first when it is a log', async () => {
      await append('a', 'b', 'c');
      const first = await topics.attach(ref, null, 10);
      const before = await take(first, 4);
      await first.settle(offsetOf(before, 2));
      await first.close();

      const received = await take(await topics.attach(ref, offsetOf(before, 2), 10), topics.capabilities.kind === 'log' ? 2 : 1);

      expect(texts(received)).toEqual(topics.capabilities.kind === 'log' ? ['b', 'c'] : ['c']);
    });

    it('counts unsettled entries and their bytes, not the genesis entry', async () => {
      const fresh = await topics.stats(ref);
      await append('four', 'five!');
      const filled = await until(async () => hasEntries(await topics.stats(ref), 2));
      const attachment = await topics.attach(ref, null, 10);
      const received = await take(attachment, 3);
      await attachment.settle(offsetOf(received, 2));
      const emptied = await until(async () => hasEntries(await topics.stats(ref), 0));

      expect(fresh).toMatchObject({ entries: 0, bytes: 0, boundBytes: bound, oldestAtMs: null });
      expect(filled.bytes).toBeGreaterThanOrEqual(9);
      expect(emptied).toMatchObject({ entries: 0, bytes: 0 });
    });

    it('lets an append wait at the bound until entries are settled, and loses none', async () => {
      const small = refOf(2);
      await topics.create([small], genesisOf, 1000);
      const write = (text: string, signal: AbortSignal) =>
        appender.append([{ partition: small, bytes: Buffer.from(text.padEnd(400)) }], signal);
      let appended = 0;
      const writing = (async () => {
        for (; appended < 20; appended++) await write(`entry ${appended}`, never);
      })();
      const reader = await topics.attach(small, null, 100);
      const received: Received[] = [];
      let most = 0;
      while (received.length < 21) {
        most = Math.max(most, appended + 1 - received.length);
        const next = await reader.read(1, longMs, never);
        received.push(...next);
        await reader.settle(offsetOf(received, received.length - 1));
      }
      await writing;

      expect(texts(received.slice(1)).map((text) => text.trim())).toEqual(Array.from({ length: 20 }, (_, i) => `entry ${i}`));
      expect(most).toBeLessThan(10);
    });

    it('gives up waiting at the bound when the signal aborts', async () => {
      const small = refOf(2);
      await topics.create([small], genesisOf, 100);
      const stop = new AbortController();
      const entry = { partition: small, bytes: Buffer.alloc(400) };
      let confirmed = 0;

      const writing = (async () => {
        for (; ; confirmed++) await appender.append([entry], stop.signal);
      })();
      const ended = expect(writing).rejects.toThrow('stopped by the test');
      await until(async () => ((await topics.stats(small)).entries > 0 ? true : undefined));
      stop.abort(new Error('stopped by the test'));
      await ended;

      expect(confirmed).toBeLessThan(5);
      await append('others go on');
      expect(await until(async () => hasEntries(await topics.stats(ref), 1))).toBeDefined();
    });

    it('lists the partitions of the cluster', async () => {
      await topics.create([refOf(1), { ...ref, cluster: 'another' }], genesisOf, bound);

      const listed = await topics.list(cluster);

      expect([...listed].sort((a, b) => a.partition - b.partition)).toEqual([ref, refOf(1)]);
    });

    it('sees at once what another client has added', async () => {
      await topics.stats(ref);
      const added = refOf(3);

      await (await world.open()).topics.create([added], genesisOf, bound);

      expect((await topics.stats(added)).entries).toBe(0);
      expect(texts(await take(await topics.attach(added, null, 10), 1))).toEqual([textOf(genesisOf(added))]);
      await appender.append([{ partition: added, bytes: Buffer.from('a') }], never);
    });

    it('retires a partition once it is empty, and not before', async () => {
      await append('a');
      await until(async () => hasEntries(await topics.stats(ref), 1));
      await expect(topics.retire(ref)).rejects.toMatchObject({ class: 'retryable', code: 'topic_not_empty' });
      const attachment = await topics.attach(ref, null, 10);
      await attachment.settle(offsetOf(await take(attachment, 2), 1));
      await attachment.close();
      await until(async () => hasEntries(await topics.stats(ref), 0));

      await topics.retire(ref);

      expect(await topics.list(cluster)).toEqual([]);
      await expect(append('b')).rejects.toMatchObject({ code: 'no_topic' });
    });

    it('keeps entries and what was settled over a restart', { timeout: 60_000 }, async () => {
      await append('a', 'b', 'c');
      const attachment = await topics.attach(ref, null, 10);
      const anchor = offsetOf(await take(attachment, 2), 1);
      await attachment.settle(anchor);
      await world.restart();

      const restarted = (await world.open()).topics;

      expect(texts(await afterAnchor(restarted, ref, anchor, 2))).toEqual(['b', 'c']);
    });

    it('keeps every confirmed entry, in order, when the appender is killed', { timeout: 60_000 }, async () => {
      for (let round = 0; round < 4; round++) {
        const each = refOf(10 + round);
        await topics.create([each], genesisOf, bound);
        const child = await spawnChild(world);
        void child.jobs.appendForever(each, 3).catch(() => undefined);
        await until(() => (child.confirmed() > 30 + round * 17 ? true : undefined));
        await child.kill();
        const { entries } = await topics.stats(each);

        const received = (await take(await topics.attach(each, null, 1000), entries + 1)).slice(1);

        // An appender that resends may leave an entry twice; the reader tells by its sequence.
        const distinct = [...new Set(texts(received))];
        expect(distinct).toEqual(distinct.map((_, i) => `entry ${i + 1}`));
        expect(distinct.length).toBeGreaterThanOrEqual(child.confirmed());
      }
    });
  });
}

function refOf(partition: number): PartitionRef {
  return { cluster, sink: 'sink', generation: 1, partition };
}

function genesisOf(ref: PartitionRef): Uint8Array {
  return Buffer.from(`genesis of ${ref.partition}`);
}

async function take(attachment: Attachment, count: number): Promise<Received[]> {
  const received: Received[] = [];
  while (received.length < count) received.push(...(await attachment.read(count - received.length, longMs, never)));
  return received;
}

async function afterAnchor(topics: Topics, ref: PartitionRef, anchor: number, count: number): Promise<Received[]> {
  const attachment = await topics.attach(ref, anchor, 10);
  if (topics.capabilities.kind === 'log') await take(attachment, 1);
  return take(attachment, count);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

function texts(received: readonly Received[]): string[] {
  return received.map(({ bytes }) => textOf(bytes));
}

function offsetOf(received: readonly Received[], index: number): number {
  const entry = received[index];
  if (entry === undefined) throw new Error(`only ${received.length} entries`);
  return entry.offset;
}

function hasEntries<T extends { readonly entries: number }>(stats: T, entries: number): T | undefined {
  return stats.entries === entries ? stats : undefined;
}
