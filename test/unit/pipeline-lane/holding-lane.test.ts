import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { LmdbEnvironment } from '../../../src/lib/lmdb-environment.ts';
import { Fault } from '../../../src/model/faults.ts';
import type { Item } from '../../../src/model/item.ts';
import { HoldingLane, type HoldingLaneOptions } from '../../../src/pipeline/holding-lane.ts';
import { printerOf } from '../../../src/pipeline/item-codec.ts';
import { LocalOutbox } from '../../../src/pipeline/local-outbox.ts';
import { codec, laneRig, sample, samples } from './rig.ts';

const away = () => {
  throw new Fault('retryable', 'econnrefused', 'away');
};
const never = new AbortController().signal;
/** Longer than the second for which the breaker leaves a target alone. */
const until = (check: () => void) => vi.waitFor(check, { timeout: 15_000 });

const kinds = [
  ['that keeps items', undefined],
  ['that keeps their lines alone', 'lines'],
  ['that keeps their messages alone', 'messages'],
] as const;

describe.each(kinds)('a lane with the disk behind it, %s', (_kind, takes) => {
  let directory: string;
  let env: LmdbEnvironment;
  const living = new Set<string>();

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'outbox-'));
    env = await LmdbEnvironment.open({ directory, clock: systemClock });
    living.clear();
  });
  afterEach(async () => {
    await env.close();
    await rm(directory, { recursive: true });
  });

  const rowBytes = printerOf(codec, takes)([sample('a')]).length;

  async function start(owner: string, options: Partial<HoldingLaneOptions> & { maxHeld?: number } = {}) {
    living.add(owner);
    const isAlive = (other: string) => living.has(other);
    const maxBytes = options.maxHeld ?? 1_000_000;
    const outbox = await LocalOutbox.open({ env, lane: 'sink/target', maxBytes, owner, isAlive });
    const {
      target,
      lane: memory,
      told,
      letters,
    } = laneRig(
      {
        clock: systemClock,
        random: () => 0,
        retry: { baseMs: 5, capMs: 5, maxAttempts: null },
        maxOutboxBytes: options.maxOutboxBytes ?? 1_000_000,
        batch: { maxItems: 2, maxBytes: 1_000_000, lingerMs: 0 },
      },
      takes,
    );
    const lane = new HoldingLane({
      lane: memory,
      outbox,
      sink: 'sink',
      codec,
      emit: (name, facts) => void told.push([name, facts]),
      clock: systemClock,
      random: () => 0,
      maxOutboxBytes: 1_000_000,
      onFull: 'suspend',
      holdAfterMs: 5,
      ...options,
    });
    const soft = new AbortController();
    const hard = new AbortController();
    const running = lane.run({ soft: soft.signal, hard: hard.signal });
    const stop = async () => {
      soft.abort();
      await running;
      living.delete(owner);
    };
    const crash = async () => {
      hard.abort();
      await running;
      living.delete(owner);
    };
    // As a direct sink hands it over.
    const accept = (items: readonly Item[]) => {
      if (takes === undefined) return lane.accept(items, never);
      const texts = items.map((item) => Buffer.from(lane.print([item])));
      return lane.acceptText(texts, items.length, never, false);
    };
    return { lane, accept, target, outbox, stop, crash, letters };
  }

  it('accepts as soon as the target has it, and writes nothing to disk', async () => {
    const { accept, target, outbox, stop } = await start('a', { holdAfterMs: 60_000 });

    await accept(samples('1', '2', '3'));

    expect(target.taken).toEqual(['1', '2', '3']);
    expect(outbox.last).toBe(0);
    await stop();
  });

  it('accepts once the disk has it when the target is away, and forgets the row when the target is back', async () => {
    const { lane, accept, target, outbox, stop } = await start('a');
    target.mood = away;

    await accept(samples('1'));
    await accept(samples('2'));
    expect(outbox.read(0, 10).map((row) => codec.parse(row.lines).map((item) => ('id' in item ? item.id : '')))).toEqual([
      ['1'],
      ['2'],
    ]);

    target.mood = () => undefined;
    await until(() => expect(lane.status()).toMatchObject({ pendingItems: 0, heldItems: 0 }));
    expect(target.taken).toEqual(['1', '2']);
    expect(outbox.read(0, 10)).toEqual([]);
    await stop();
  });

  it('hands what was held to the next process, in order and marked as a repetition, before anything new', async () => {
    const first = await start('a');
    first.target.mood = away;
    for (const id of ['1', '2', '3']) await first.accept(samples(id));
    await first.crash();

    const second = await start('b');
    await second.accept(samples('4'));

    await until(() => expect(second.target.taken).toEqual(['1', '2', '3', '4']));
    expect(second.target.tries[0]?.replay).toBe(true);
    await until(() => expect(second.outbox.bytes).toBe(0));
    await second.stop();
    const third = await start('c');
    expect(third.outbox.items).toBe(0);
    await third.stop();
  });

  it('leaves alone what a living process holds', async () => {
    const first = await start('a');
    first.target.mood = away;
    await first.accept(samples('1'));

    const second = await start('b');

    expect(second.outbox.items).toBe(0);
    await second.stop();
    await first.crash();
  });

  it('waits at its bound, so that the input is no longer read', async () => {
    const { lane, accept, target, stop } = await start('a', { maxOutboxBytes: rowBytes * 2 });
    target.mood = away;
    await accept(samples('1'));
    await accept(samples('2'));
    let accepted = false;

    const third = accept(samples('3')).then(() => {
      accepted = true;
    });
    await until(() => expect(target.tries.length).toBeGreaterThan(3));
    expect([accepted, lane.full()]).toEqual([false, true]);

    target.mood = () => undefined;
    await third;
    await until(() => expect(target.taken).toEqual(['1', '2', '3']));
    await stop();
  });

  it('spills to disk beyond what may wait in memory, and keeps the order', async () => {
    const { lane, target, stop } = await start('a', { onFull: 'spill', maxOutboxBytes: rowBytes * 2 });
    target.mood = away;
    const ids = Array.from({ length: 20 }, (_, i) => String(i));
    const offers = ids.map((id) => lane.offer({ key: id, items: samples(id), replay: false }));
    const spilled = await Promise.all(offers.slice(5));
    expect(new Set(spilled)).toEqual(new Set(['done']));
    expect(lane.status().heldItems).toBeGreaterThan(10);

    target.mood = () => undefined;
    await Promise.all(offers);
    await until(() => expect(target.taken).toEqual(ids));
    await until(() => expect(lane.status().heldItems).toBe(0));
    await stop();
  });

  it('lets nothing new overtake what was spilled before', async () => {
    const { lane, target, stop } = await start('a', { onFull: 'spill', maxOutboxBytes: rowBytes * 2 });
    target.mood = away;
    const ids = Array.from({ length: 40 }, (_, i) => String(i));
    const next = ids[Symbol.iterator]();
    const offers: Promise<unknown>[] = [];
    const offerOne = () => {
      const { value } = next.next();
      if (value !== undefined) offers.push(lane.offer({ key: value, items: samples(value), replay: false }));
    };
    for (let i = 0; i < 10; i++) offerOne();
    await until(() => expect(lane.status().heldItems).toBeGreaterThan(5));

    target.mood = offerOne;
    await until(() => expect(target.taken.length).toBeGreaterThan(10));
    while (offers.length < ids.length) offerOne();
    await Promise.all(offers);

    await until(() => expect(target.taken).toEqual(ids));
    await stop();
  });

  it('keeps what it held when its publisher says that it must not go on', async () => {
    const first = await start('a');
    first.target.mood = away;
    await first.accept(samples('1'));
    first.target.mood = () => {
      throw new Fault('fatal', 'stdout_closed', 'gone');
    };
    await expect(first.stop()).rejects.toMatchObject({ code: 'stdout_closed' });
    living.clear();

    const second = await start('b');

    await until(() => expect(second.target.taken).toEqual(['1']));
    await second.stop();
  });

  it('waits for room on the disk rather than lose something', async () => {
    const { lane, target, stop } = await start('a', { onFull: 'spill', maxOutboxBytes: rowBytes, maxHeld: rowBytes * 2 });
    target.mood = away;
    const ids = Array.from({ length: 6 }, (_, i) => String(i));
    const offers = ids.map((id) => lane.offer({ key: id, items: samples(id), replay: false }));
    await until(() => expect(lane.full()).toBe(true));

    target.mood = () => undefined;

    expect(await Promise.all(offers)).toEqual(ids.map(() => 'done'));
    await until(() => expect(target.taken).toEqual(ids));
    await stop();
  });

  it('does not accept after it ended', async () => {
    const { accept, target, crash } = await start('a');
    target.mood = away;
    await crash();

    await expect(accept(samples('1'))).rejects.toThrow();
  });
});
