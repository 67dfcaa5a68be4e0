import { describe, expect, it } from 'vitest';
import { bytes, count, duration, rate, short } from '../../../src/page/format.ts';
import { niceTop, timeTicks } from '../../../src/page/scale.ts';

describe('numbers on the page', () => {
  it.each([
    [rate(0), '0'],
    [rate(0.44), '0.4'],
    [rate(1234.6), '1,235'],
    [short(1_500_000), '1.5 M'],
    [short(20_000), '20 k'],
    [short(2.5), '2.5'],
    [bytes(1023), '1023 B'],
    [bytes(1536), '1.5 KiB'],
    [bytes(3 * 1024 ** 3), '3 GiB'],
    [duration(-5), '0 s'],
    [duration(119_000), '119 s'],
    [duration(120_000), '2 min'],
    [duration(7_200_000), '2 h'],
    [duration(172_800_000), '2 d'],
    [count(1, 'agent'), '1 agent'],
    [count(0, 'thing needs', 'things need'), '0 things need'],
  ])('read %s', (shown, expected) => {
    expect(shown).toBe(expected);
  });

  it.each([
    [0, 1],
    [1, 1],
    [1.2, 2],
    [21, 25],
    [26, 50],
    [999, 1000],
    [1001, 2000],
  ])('that go up to %d get an axis up to %d', (value, top) => {
    expect(niceTop(value)).toBe(top);
  });

  it('stand below an axis at whole minutes, and not too many', () => {
    const hour = timeTicks(7_000, 3_607_000, 6);

    expect(hour.length).toBeLessThanOrEqual(6);
    expect(hour.every((at) => at % 60_000 === 0)).toBe(true);
    expect(timeTicks(0, 60_000, 6)).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
  });
});
