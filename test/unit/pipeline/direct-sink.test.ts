import { describe, expect, it } from 'vitest';
import { itemLines } from '../../../src/core/convert/wire.ts';
import { createChain } from '../../../src/core/transformers/chain.ts';
import { PagePool, TextPages } from '../../../src/lib/text-pages.ts';
import { joinText, type TextPiece } from '../../../src/lib/text-pieces.ts';
import { Float } from '../../../src/model/json.ts';
import type { DeadLetters } from '../../../src/pipeline/dead-letters.ts';
import { DirectSink } from '../../../src/pipeline/direct-sink.ts';
import type { HoldingLane } from '../../../src/pipeline/holding-lane.ts';
import type { Letter } from '../../../src/pipeline/letter.ts';
import { createTally } from '../../../src/pipeline/tally.ts';
import { Taps } from '../../../src/pipeline/taps.ts';
import { Traces } from '../../../src/pipeline/traces.ts';
import { Watching } from '../../../src/pipeline/watching.ts';
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

const pages = () => new TextPages(new PagePool(0));
const parts = [{ id: 'n', items: [sample('a')] }];
const accept = (sink: DirectSink, replay: boolean) => sink.deliver([sink.compute(parts, pages())], replay, never);

describe('a direct sink', () => {
  it('has accepted only when every target has taken it or holds it', async () => {
    const [first, second] = [latch(), latch()];
    let accepted = false;
    const accepting = accept(sinkOf(first, second).sink, false).then(() => {
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
    const accepting = accept(sinkOf(good, bad).sink, false);
    good.open();
    bad.fail(new Error('leave now'));

    await expect(accepting).rejects.toThrow('leave now');
  });

  it('tells every target of what came again that it may be there already', async () => {
    const [first, second] = [latch(), latch()];
    const { sink, told } = sinkOf(first, second);
    first.open();
    second.open();

    await accept(sink, true);
    await accept(sink, false);

    expect(told).toEqual([true, true, false, false]);
  });

  it('gives targets that take text the lines alone, in the order in which they were computed', async () => {
    const texts: string[] = [];
    const lane = {
      takes: 'lines',
      print: itemLines,
      acceptText: async (pieces: readonly TextPiece[], count: number) => void texts.push(`${count}\n${joinText(pieces)}`),
    };
    const letters: Letter[] = [];
    const deadLetters = { record: async (letter: Letter) => String(letters.push(letter)) };
    const chain = createChain({ cluster: 'c', sink: 's', steps: [] });
    const tally = createTally();
    const lanes = [lane, lane] as unknown as HoldingLane[];
    const sink = new DirectSink(chain, lanes, deadLetters as unknown as DeadLetters, 's', tally);
    const outputs = [
      [sample('a'), sample('b')],
      [sample('c'), { ...sample('bad'), volume: new Float(Number.NaN) }],
    ].map((items, i) => sink.compute([{ id: `${i}`, items }], pages()));

    await sink.deliver(outputs, false, never);

    expect(outputs.map(({ items }) => items)).toEqual([null, null]);
    expect(texts).toEqual(Array(2).fill(`3\n${itemLines([sample('a'), sample('b'), sample('c')])}`));
    expect(letters.map(({ reason }) => reason)).toEqual(['unspeakable']);
    expect(tally).toMatchObject({ published: 3, letters: 1 });
  });

  it('keeps no items for who watches another sink, or has seen as many as it may in this second', async () => {
    const watching = new Watching(new Taps(() => 0), new Traces(16), () => 0);
    const lanes = [{ takes: 'lines', print: itemLines, acceptText: async () => 'done' }] as unknown as HoldingLane[];
    const chain = createChain({ cluster: 'c', sink: 's', steps: [] });
    const sink = new DirectSink(chain, lanes, {} as DeadLetters, 's', createTally(), watching);
    const kept = () => sink.compute([{ id: 'n', items: [sample('a')] }], pages()).items !== null;
    watching.taps.open({ what: 'other', stage: 'out', filter: null, perSecond: 10 }, () => true);
    expect(kept()).toBe(false);

    watching.taps.open({ what: 's', stage: 'out', filter: null, perSecond: 1 }, () => true);
    expect(kept()).toBe(true);
    await accept(sink, false);
    expect(kept()).toBe(false);
  });

  it('keeps the items for who watches while its targets take text', async () => {
    const watching = new Watching(new Taps(() => 0), new Traces(16), () => 0);
    const heard: string[] = [];
    const lanes = [{ takes: 'lines', print: itemLines, acceptText: async () => 'done' }] as unknown as HoldingLane[];
    const chain = createChain({ cluster: 'c', sink: 's', steps: [] });
    const sink = new DirectSink(chain, lanes, {} as DeadLetters, 's', createTally(), watching);
    watching.taps.open({ what: 's', stage: 'out', filter: null, perSecond: 10 }, (lines) => heard.push(...lines) > 0);

    await accept(sink, false);

    expect(heard).toHaveLength(1);
    expect(heard[0]).toContain('"id":"a"');
  });
});
