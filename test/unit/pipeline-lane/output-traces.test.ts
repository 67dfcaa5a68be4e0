import { describe, expect, it } from 'vitest';
import { Fault } from '../../../src/model/faults.ts';
import { itemId } from '../../../src/model/item.ts';
import { Float } from '../../../src/model/json.ts';
import { commonTrace, type OutputTraces } from '../../../src/model/output-traces.ts';
import { laneRig, sample, samples } from './rig.ts';

const span = (trace: string, of: string) => `00-${trace.repeat(32)}-${of.repeat(16)}-01`;
const [a, b] = [span('a', '1'), span('b', '2')];

describe('traces of outputs', () => {
  it.each([
    [undefined],
    ['lines'],
    ['messages'],
  ] as const)('stay with theirs through cuts, gatherings and halves, where the target takes %s', async (takes) => {
    const rig = laneRig({ batch: { maxItems: 4, maxBytes: 1_000_000, lingerMs: 0 } }, takes);
    const tried: (readonly [string, string | undefined])[][] = [];
    rig.target.mood = ({ items, traces }) => {
      tried.push(items.map((item, i) => [itemId(item), traces?.[i]] as const));
      if (items.length > 1 && items.some((item) => itemId(item) === '7')) throw new Fault('poison', 'no', 'no');
    };
    const offers = [
      rig.lane.offer({ key: '1', items: samples('1', '2', '3', '4', '5'), replay: false, traces: [a, undefined, a, b, b] }),
      rig.lane.offer({ key: '2', items: samples('6'), replay: false }),
      rig.lane.offer({ key: '3', items: samples('7', '8'), replay: false, traces: [undefined, a] }),
    ];
    rig.soft.abort();

    await rig.run();
    await Promise.all(offers);

    expect(Object.fromEntries(tried.flat())).toEqual({ 1: a, 3: a, 4: b, 5: b, 8: a });
    expect(tried.map((batch) => batch.length)).toEqual([4, 4, 2, 2, 1, 1]);
  });

  it('are none where an output between them cannot be written, as they go by the place', async () => {
    const rig = laneRig();
    const traces: (OutputTraces | undefined)[] = [];
    rig.target.mood = (batch) => void traces.push(batch.traces);
    const bad = { ...sample('1'), volume: new Float(Number.NaN) };
    const offer = rig.lane.offer({ key: '1', items: [bad, sample('2')], replay: false, traces: [a, b] });
    rig.soft.abort();

    await Promise.all([rig.run(), offer]);

    expect(traces).toEqual([undefined]);
    expect(rig.letters).toHaveLength(1);
  });

  it.each([
    [undefined, 2, undefined],
    [[a, a], 2, a],
    [[a, span('a', '3')], 2, a],
    [[a, b], 2, undefined],
    [[a], 2, undefined],
    [[undefined, a], 2, undefined],
  ])('%j of %i outputs are of the one trace %s', (traces, count, common) => {
    expect(commonTrace(traces, count)).toBe(common);
  });
});
