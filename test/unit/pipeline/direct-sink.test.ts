import { describe, expect, it } from 'vitest';
import { createChain } from '../../../src/core/transformers/chain.ts';
import type { DeadLetters } from '../../../src/pipeline/dead-letters.ts';
import { DirectSink } from '../../../src/pipeline/direct-sink.ts';
import type { HoldingLane } from '../../../src/pipeline/holding-lane.ts';
import { createTally } from '../../../src/pipeline/tally.ts';
import { sample } from '../pipeline-lane/rig.ts';
import { type Latch, latch } from './listener-rig.ts';

const never = new AbortController().signal;

/** A sink with as many targets as latches: each target has the items once its latch is open. */
function sinkOf(...latches: readonly Latch[]) {
  const told: boolean[] = [];
  const lanes = latches.map(({ promise }) => ({
    accept: (_items: unknown, _signal: unknown, replay: boolean) => {
      told.push(replay);
      return promise;
    },
  }));
  const chain = createChain({ cluster: 'c', sink: 's', steps: [] });
  const sink = new DirectSink(chain, lanes as unknown as HoldingLane[], {} as DeadLetters, 's', createTally());
  return { sink, told };
}

const parts = [{ id: 'n', items: [sample('a')] }];

describe('a direct sink', () => {
  it('has accepted only when every target has taken it or holds it', async () => {
    const [first, second] = [latch(), latch()];
    let accepted = false;
    const accepting = sinkOf(first, second)
      .sink.accept(parts, false, never)
      .then(() => {
        accepted = true;
      });

    second.open();
    await new Promise((resolve) => setImmediate(resolve));
    expect(accepted).toBe(false);

    first.open();
    await accepting;
  });

  it('has not accepted when one target fails', async () => {
    const [good, bad] = [latch(), latch()];
    const accepting = sinkOf(good, bad).sink.accept(parts, false, never);
    good.open();
    bad.fail(new Error('leave now'));

    await expect(accepting).rejects.toThrow('leave now');
  });

  it('tells every target of what came again that it may be there already', async () => {
    const [first, second] = [latch(), latch()];
    const { sink, told } = sinkOf(first, second);
    first.open();
    second.open();

    await sink.accept(parts, true, never);
    await sink.accept(parts, false, never);

    expect(told).toEqual([true, true, false, false]);
  });
});
