import { ManualClock } from '../../../src/lib/manual-clock.ts';
import type { Item } from '../../../src/model/item.ts';
import { itemId } from '../../../src/model/item.ts';
import { createItemCodec } from '../../../src/pipeline/item-codec.ts';
import { type LaneOptions, MemoryLane } from '../../../src/pipeline/lane.ts';
import type { Letter } from '../../../src/pipeline/letter.ts';
import type { Batch, Publisher, TextForm } from '../../../src/publishers/publisher.ts';
import { sampleWith } from '../../sample.ts';

export const codec = createItemCodec(() => 'signed');

export function sample(id: string): Item {
  return sampleWith({
    id,
  });
}

export const samples = (...ids: readonly string[]) => ids.map(sample);

/** A target whose mood the test sets: it keeps what it takes, and sees every try. */
class FakeTarget implements Publisher {
  readonly takes?: TextForm;
  readonly tries: { readonly ids: string[]; readonly id: string; readonly replay: boolean | undefined }[] = [];
  readonly taken: string[] = [];
  /** Throws what the target would; may wait. */
  mood: (batch: Batch, signal: AbortSignal) => unknown = () => undefined;

  constructor(takes: TextForm | undefined) {
    if (takes !== undefined) this.takes = takes;
  }

  async publish(batch: Batch, signal: AbortSignal): Promise<void> {
    const ids = batch.items.map(itemId);
    this.tries.push({ ids, id: batch.id, replay: batch.replay });
    await this.mood(batch, signal);
    this.taken.push(...ids);
  }

  async probe(): Promise<void> {}
  async close(): Promise<void> {}
}

/** `takes`: for the target no items are kept; what is told of it must be the same. */
export function laneRig(options: Partial<LaneOptions> = {}, takes?: TextForm) {
  const clock = new ManualClock(1_000);
  const target = new FakeTarget(takes);
  const letters: Letter[] = [];
  const told: (readonly [string, unknown])[] = [];
  const soft = new AbortController();
  const hard = new AbortController();
  const lane = new MemoryLane({
    name: 'target',
    sink: 'sink',
    publisher: target,
    codec,
    deadLetters: {
      record: async (letter) => {
        letters.push(letter);
        return String(letters.length);
      },
    },
    emit: (name, facts) => void told.push([name, facts]),
    clock,
    random: () => 0.5,
    batch: { maxItems: 100, maxBytes: 1_000_000, lingerMs: 0 },
    maxOutboxBytes: 1_000_000,
    onFull: 'suspend',
    ...options,
  });
  const run = () => lane.run({ soft: soft.signal, hard: hard.signal });
  return { lane, target, letters, told, clock, soft, hard, run };
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
