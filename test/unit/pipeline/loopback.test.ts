import { describe, expect, it } from 'vitest';
import { createRouter } from '../../../src/core/route/router.ts';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import { type DataEntry, parseEntry } from '../../../src/model/entry.ts';
import type { Event } from '../../../src/model/event.ts';
import { makeBatch } from '../../../src/pipeline/batch.ts';
import { createItemCodec } from '../../../src/pipeline/item-codec.ts';
import { CurrentListening } from '../../../src/pipeline/listening.ts';
import { loopback } from '../../../src/pipeline/loopback.ts';
import { Sequencer } from '../../../src/pipeline/sequencer.ts';
import { createTally } from '../../../src/pipeline/tally.ts';
import { partitionRefs } from '../../../src/topics/topic.ts';

const event = (id: string, generated: string): Event => ({
  message_id: id,
  event_type: 'host.down',
  generated,
  traits: [],
  raw: {},
});

function rig(append: (entries: DataEntry[]) => Promise<void>) {
  const clock = new ManualClock(Date.parse('2026-01-01T00:00:00Z'));
  const sink = {
    sink: 's',
    from: 'events',
    sources: [{ name: 's', match: ['host.*'] }],
    partitionBy: ['message_id'],
    partitions: 1,
  } as const;
  const publisher = loopback(
    Promise.resolve({
      listening: new CurrentListening({
        converter: null as never,
        configs: [],
        router: createRouter([sink]),
        sinks: [{ kind: 'topic', partitions: partitionRefs('c', 's', 1, 1), canaries: false }],
        limits: { maxMessageBytes: 1 << 20, maxDepth: 32, maxString: 1 << 16, maxSamplesPerNotification: 100 },
        lingerFrom: 0,
      }),
      routerOf: () => createRouter([sink]),
      openAppender: async () => ({
        append: (entries) => append(entries.map(({ bytes }) => parseEntry(new TextDecoder().decode(bytes)) as DataEntry)),
        close: async () => undefined,
      }),
      sequencer: new Sequencer('boot'),
      deadLetters: { record: async () => undefined } as never,
      tally: createTally(),
      clock,
    }),
  );
  const publish = (...events: Event[]) =>
    publisher.publish(
      makeBatch(
        events,
        createItemCodec(() => ''),
        false,
      ),
      new AbortController().signal,
    );
  return { publish, clock };
}

describe('outputs that go on as events of our own pipelines', () => {
  it('are appended under the ids that they have, and nothing is told as done before', async () => {
    const seen: DataEntry[] = [];
    let release: () => void = () => undefined;
    const { publish } = rig(async (entries) => {
      seen.push(...entries);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    let done = false;
    const published = publish(event('a', '2026-01-01T00:00:00'), event('b', '2026-01-01T00:00:00')).then(() => {
      done = true;
    });
    await expect.poll(() => seen.length).toBe(1);

    expect(done).toBe(false);
    expect(seen[0]?.notifications.map(({ id }) => id)).toEqual(['a', 'b']);
    release();
    await published;
  });

  it('are numbered anew after an append that failed, so that nobody waits for what never came', async () => {
    const seen: string[] = [];
    let fails = true;
    const { publish } = rig(async (entries) => {
      seen.push(...entries.map(({ listener, seq }) => `${listener} ${seq}`));
      if (fails) throw new Error('the wire is cut');
    });

    await expect(publish(event('a', '2026-01-01T00:00:00'))).rejects.toThrow('the wire is cut');
    fails = false;
    await publish(event('a', '2026-01-01T00:00:00'));

    expect(seen).toEqual(['boot 1', 'boot.1 1']);
  });

  it('stand in an entry that is no older than they are, however slow our clock', async () => {
    const seen: DataEntry[] = [];
    const { publish, clock } = rig(async (entries) => void seen.push(...entries));

    await publish(event('a', '2026-01-01T01:00:00.250000'));
    await publish(event('b', '2025-12-31T23:00:00'));

    expect(seen.map(({ at }) => at - clock.now())).toEqual([3_600_250, 0]);
  });
});
