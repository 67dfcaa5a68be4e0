import { describe, expect, it } from 'vitest';
import { Taps, type TapWish } from '../../../src/pipeline/taps.ts';
import { Traces } from '../../../src/pipeline/traces.ts';
import { sampleWith } from '../../sample.ts';

const wish = (more: Partial<TapWish> = {}): TapWish => ({ what: 'cpu', stage: 'out', filter: null, perSecond: 100, ...more });
const samples = (...volumes: readonly number[]) => volumes.map((volume, n) => sampleWith({ id: `s${n}`, volume }));

describe('a tap', () => {
  const rig = (more: Partial<TapWish> = {}) => {
    const heard: string[] = [];
    const at = { now: 1_000, room: true };
    const taps = new Taps(() => at.now);
    const stop = taps.open(wish(more), (lines) => {
      if (at.room) heard.push(...lines);
      return at.room;
    });
    const items = () => heard.map((line) => JSON.parse(line));
    return { taps, stop, items, at };
  };

  it('shows what passes its place and stage, and nothing once it is closed', () => {
    const { taps, stop, items } = rig();
    taps.tell('out', { sink: 'cpu', unit: 'cg.c.cpu.g1.p0' }, samples(1));
    taps.tell('out', { sink: 'other' }, samples(2));
    taps.tell('appended', { sink: 'cpu' }, samples(3));

    expect(taps.any).toBe(true);
    stop();
    expect(taps.any).toBe(false);
    taps.tell('out', { sink: 'cpu' }, samples(4));
    expect(items()).toMatchObject([{ at: 1_000, stage: 'out', sink: 'cpu', unit: 'cg.c.cpu.g1.p0', item: { id: 's0' } }]);
    expect(items()).toHaveLength(1);
  });

  it('leaves out what its expression is not true for, or cannot be asked', () => {
    const { taps, items } = rig({ filter: 'volume > 2' });
    taps.tell('out', { sink: 'cpu' }, samples(1, 5, 2, 7));

    expect(items().map(({ item }) => item.id)).toEqual(['s1', 's3']);
    const asked = rig({ filter: 'volume.none.such / 0 > 1' });
    asked.taps.tell('out', { sink: 'cpu' }, samples(1));
    expect(asked.items()).toEqual([]);
  });

  it('counts what is beyond its rate or has no room, and says so with the next', () => {
    const { taps, items, at } = rig({ perSecond: 2 });
    taps.tell('out', { sink: 'cpu' }, samples(1, 2, 3, 4, 5));
    at.now = 2_000;
    at.room = false;
    taps.tell('out', { sink: 'cpu' }, samples(6));
    at.room = true;
    taps.tell('out', { sink: 'cpu' }, samples(7));

    expect(items().map(({ missed = 0 }) => missed)).toEqual([0, 0, 4]);
  });

  it('looks at no more than its time allows, and says how much passed meanwhile though it finds nothing', () => {
    const at = { now: 1_000, spent: 0 };
    const told: [number, number][] = [];
    const taps = new Taps(
      () => at.now,
      () => {
        at.spent += 7;
        return at.spent;
      },
    );
    taps.open(wish({ filter: 'volume > 1000' }), (lines, missed) => {
      told.push([lines.length, missed]);
      return true;
    });
    const many = samples(...Array.from({ length: 100 }, () => 1));
    taps.tell('out', { sink: 'cpu' }, many);
    taps.tell('out', { sink: 'cpu' }, many);
    expect(told).toEqual([]);

    at.now = 2_000;
    taps.tell('out', { sink: 'cpu' }, samples(1));
    // Of the first hundred it had looked at two times sixteen when 20 ms were over.
    expect(told).toEqual([[0, 168]]);
  });

  it('looks only where it is, and until its rate is used up; what was not kept for it then is counted', () => {
    const { taps, items, at } = rig({ perSecond: 2 });
    const looks = () => taps.looks('out', { sink: 'cpu' });
    expect([looks(), taps.looks('out', { sink: 'other' }), taps.looks('appended', { sink: 'cpu' })]).toEqual([
      true,
      false,
      false,
    ]);

    taps.tell('out', { sink: 'cpu' }, samples(1, 2));
    expect(looks()).toBe(false);
    taps.passed('out', { sink: 'cpu' }, 16);
    taps.passed('out', { sink: 'other' }, 5);
    at.now = 2_000;
    expect(looks()).toBe(true);
    taps.tell('out', { sink: 'cpu' }, samples(3));

    expect(items().map(({ missed = 0 }) => missed)).toEqual([0, 0, 16]);
  });

  it('is not opened with an expression that is none', () => {
    expect(() => new Taps(() => 0).open(wish({ filter: 'volume >' }), () => true)).toThrow(/column|expected/i);
  });
});

describe('traces', () => {
  it('know the latest steps of a notification and of its further sources, in order of time', () => {
    const traces = new Traces(100);
    traces.note('n1', 5, { step: 'committed' });
    traces.note('n2', 1, { step: 'received' });
    traces.note('n1', 2, { step: 'received' });
    traces.note('n1#1', 3, { step: 'appended' });

    expect(traces.find('n1').map(({ step }) => step)).toEqual(['received', 'appended', 'committed']);
    expect(traces.find('nobody')).toEqual([]);
  });

  it('forget the oldest at their bound, and take no two of the ids they have for one', () => {
    const traces = new Traces(1_000);
    for (let n = 0; n < 100_000; n++) traces.note(`id-${n}`, n, { step: 'received' });

    expect(traces.find('id-1')).toEqual([]);
    expect(traces.find('id-99500')).toEqual([{ at: 99_500, step: 'received' }]);
    for (let n = 99_000; n < 100_000; n += 50) expect(traces.find(`id-${n}`)).toHaveLength(1);
  });
});
