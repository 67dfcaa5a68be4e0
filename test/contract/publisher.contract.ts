import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/model/faults.ts';
import type { Item } from '../../src/model/item.ts';
import { Float, type Json } from '../../src/model/json.ts';
import { makeBatch } from '../../src/pipeline/batch.ts';
import { createItemCodec } from '../../src/pipeline/item-codec.ts';
import { MemoryLane } from '../../src/pipeline/lane.ts';
import type { Letter } from '../../src/pipeline/letter.ts';
import type { Publisher } from '../../src/publishers/publisher.ts';
import { sampleWith } from '../sample.ts';

/** One item as the target has it: the id, and the volume as the text it stands there with. */
export interface Arrived {
  readonly id: string;
  readonly volume: string;
}

/** A target and its faults. What a kind cannot have is absent, and the suite says so by leaving the test out. */
export interface PublisherRig {
  open(): Promise<Publisher>;
  /** Everything that reached the target, repetitions included, in order. */
  arrived(): Promise<readonly Arrived[]>;
  /** The idempotency ids of what came, one per try. */
  batchIds?(): Promise<readonly string[]>;
  /** The target leaves out what it has when a batch is marked as a repetition. */
  readonly leavesOutRepetitions: boolean;
  /** From now on the target refuses batches with this item for ever. */
  refuse?(id: string): void;
  /** The target is away until `heal`. */
  fail?(): Promise<void>;
  heal?(): Promise<void>;
  /** One whose target does not exist. */
  openNowhere?(): Promise<Publisher>;
  close(): Promise<void>;
}

export interface Capabilities {
  readonly refuses: boolean;
  readonly fails: boolean;
  readonly hasIds: boolean;
}

export const codec = createItemCodec(() => '');
const never = new AbortController().signal;

export function sample(id: string, volume: Json = 1): Item {
  return sampleWith({
    id,
    volume,
    project_id: 'p',
    resource_id: 'r\nü"',
    resource_metadata: { a: { z: 1 } },
  });
}

const batchOf = (ids: readonly string[], replay = false) =>
  makeBatch(
    ids.map((id) => sample(id)),
    codec,
    replay,
  );

/** A promise that a kind cannot break is no test for it, rather than a skipped one. */
const itIf = (can: boolean): ((title: string, test: () => Promise<void>) => void) => (can ? it : () => undefined);

/** What every publisher promises, whatever it publishes to. */
export function publisherContract(name: string, makeRig: () => Promise<PublisherRig>, can: Capabilities): void {
  describe(`the publisher ${name}`, () => {
    let rig: PublisherRig;
    let publisher: Publisher;
    const ids = async () => (await rig.arrived()).map((one) => one.id);

    beforeEach(async () => {
      rig = await makeRig();
      publisher = await rig.open();
    });
    afterEach(async () => {
      await publisher.close();
      await rig.close();
    });

    it('has brought a batch there, in order, when it says so', async () => {
      await publisher.publish(batchOf(['a', 'b', 'c']), never);
      await publisher.publish(batchOf(['d']), never);

      expect(await ids()).toEqual(['a', 'b', 'c', 'd']);
    });

    it('keeps ints, floats and 64 bits apart', async () => {
      const items = [sample('a', 1), sample('b', new Float(1)), sample('c', 18446744073709551615n)];

      await publisher.publish(makeBatch(items, codec, false), never);

      expect((await rig.arrived()).map((one) => one.volume)).toEqual(['1', '1.0', '18446744073709551615']);
    });

    it('brings a repeated batch under the same ids', async () => {
      await publisher.publish(batchOf(['a', 'b']), never);
      await publisher.publish(batchOf(['a', 'b', 'c'], true), never);

      expect(new Set(await ids())).toEqual(new Set(['a', 'b', 'c']));
      if (rig.leavesOutRepetitions) expect(await ids()).toEqual(['a', 'b', 'c']);
    });

    it('brings what one publisher and then another one is given', async () => {
      await publisher.publish(batchOf(['a']), never);
      await publisher.close();
      publisher = await rig.open();
      await publisher.publish(batchOf(['b']), never);

      expect(await ids()).toEqual(['a', 'b']);
    });

    it('finds its target with a probe, and brings nothing by it', async () => {
      await publisher.probe(never);

      expect(await ids()).toEqual([]);
    });

    it('can be closed twice', async () => {
      await publisher.close();

      await expect(publisher.close()).resolves.toBeUndefined();
    });

    itIf(can.hasIds)('tells the target the same id for every try of a batch, and another for another batch', async () => {
      await publisher.publish(batchOf(['a', 'b']), never);
      await publisher.publish(batchOf(['a', 'b'], true), never);
      await publisher.publish(batchOf(['c']), never);

      const [first, second, third] = (await rig.batchIds?.()) ?? [];
      expect(first).toMatch(/\S/);
      expect([second, third === first]).toEqual([first, false]);
    });

    itIf(can.fails)('throws a retryable fault while its target is away, and works again by itself when it is back', async () => {
      await publisher.publish(batchOf(['a']), never);
      await rig.fail?.();

      const fault = await publisher.publish(batchOf(['b']), never).catch((error: unknown) => error);
      expect(fault).toBeInstanceOf(Fault);
      expect((fault as Fault).class).toBe('retryable');
      await rig.heal?.();
      await publisher.publish(batchOf(['b'], true), never);

      expect(new Set(await ids())).toEqual(new Set(['a', 'b']));
    });

    itIf(can.fails)('says with a probe that its target cannot be reached', async () => {
      const lost = await rig.openNowhere?.();

      await expect(lost?.probe(never)).rejects.toMatchObject({ name: 'Fault', class: 'retryable' });
      await lost?.close();
    });

    itIf(can.fails)('stops when told to, with the reason it was given', async () => {
      const reason = new Error('leaving');

      await expect(publisher.publish(batchOf(['a']), AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    itIf(can.refuses)('loses one bad item to the dead letters and none of its neighbours', async () => {
      rig.refuse?.('bad');
      const letters: Letter[] = [];
      const lane = new MemoryLane({
        name,
        sink: 'sink',
        publisher,
        codec,
        deadLetters: { record: async (letter) => String(letters.push(letter)) },
        emit: () => undefined,
        clock: systemClock,
        random: Math.random,
        batch: { maxItems: 100, maxBytes: 1_000_000, lingerMs: 0 },
        maxOutboxBytes: 1_000_000,
        onFull: 'suspend',
      });
      const all = ['a', 'b', 'bad', 'c', 'd', 'e', 'f'];
      const offer = lane.offer({ key: '1', items: all.map((id) => sample(id)), replay: false });

      await lane.run({ soft: AbortSignal.abort(), hard: never });

      expect(await offer).toBe('done');
      expect(await ids()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
      expect(letters.map((letter) => letter.messageId)).toEqual(['bad']);
    });
  });
}
