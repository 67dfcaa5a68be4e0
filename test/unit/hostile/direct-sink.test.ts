import { describe, expect, it } from 'vitest';
import { createChain } from '../../../src/core/transformers/chain.ts';
import { PagePool, TextPages } from '../../../src/lib/text-pages.ts';
import { type Item, itemId } from '../../../src/model/item.ts';
import type { DeadLetters } from '../../../src/pipeline/dead-letters.ts';
import { DirectSink } from '../../../src/pipeline/direct-sink.ts';
import type { HoldingLane } from '../../../src/pipeline/holding-lane.ts';
import type { Letter } from '../../../src/pipeline/letter.ts';
import { createTally } from '../../../src/pipeline/tally.ts';
import { sample, steps } from './worker-rig.ts';

function rig(scale: string) {
  const accepted: Item[][] = [[], []];
  const letters: Letter[] = [];
  const lanes = accepted.map((items) => ({ accept: async (given: readonly Item[]) => void items.push(...given) }));
  const deadLetters = { record: async (letter: Letter) => String(letters.push(letter)) };
  const chain = createChain({ cluster: 'c', sink: 's', steps: steps({ unit_conversion: { target: { scale } } }) });
  const tally = createTally();
  const sink = new DirectSink(chain, lanes as unknown as HoldingLane[], deadLetters as unknown as DeadLetters, 'direct', tally);
  const accept = (...items: readonly Item[]) =>
    sink.deliver([sink.compute([{ id: 'n', items }], new TextPages(new PagePool(0)))], false, AbortSignal.timeout(5_000));
  return { accept, accepted, letters, tally };
}

describe('a direct sink', () => {
  it('makes one dead letter of what has no line, whatever the number of publishers, and the others pass', async () => {
    const { accept, accepted, letters, tally } = rig('1e400 if volume == 2 else volume');

    await accept(sample('a'), sample('b', { volume: 2 }), sample('c'));

    expect(accepted.map((items) => items.length)).toEqual([2, 2]);
    expect(letters).toEqual([expect.objectContaining({ stage: 'transform', reason: 'unspeakable', sink: 'direct' })]);
    expect(new TextDecoder().decode(letters[0]?.body)).toContain('"volume":"Infinity"');
    expect(tally).toMatchObject({ published: 2, letters: 1 });
  });

  it('writes a letter about an item that fails and has no line itself', async () => {
    const { accept, accepted, letters } = rig('10 / volume');

    await accept(sample('a', { volume: 0, type: 'odd' }), sample('b', { volume: 2 }));

    expect(letters.map((letter) => letter.reason)).toEqual(['transformer_error']);
    expect(accepted[0]?.map(itemId)).toHaveLength(1);
  });
});
