import { describe, expect, it } from 'vitest';
import {
  applyTick,
  awaitInputs,
  type ClockState,
  clockStart,
  sawCanary,
  sawEventTime,
  watermark,
} from '../../../src/core/partition/partition-clock.ts';

function ticks(state: ClockState, ...ats: readonly number[]): ClockState {
  return ats.reduce((now, at) => applyTick(now, { incarnation: 1, epoch: 1, n: now.tick[2] + 1, at }).state, state);
}

describe('partition time', () => {
  it('is the sum of the steps between ticks', () => {
    expect(ticks(clockStart, 10_000, 11_000, 12_500).partitionMs).toBe(2_500);
  });

  it('moves by two seconds over an hour without an owner', () => {
    expect(ticks(clockStart, 0, 3_600_000).partitionMs).toBe(2_000);
  });

  it('stands still when the clock is set back, and goes on from there', () => {
    expect(ticks(clockStart, 100_000, 101_000, 50_000, 51_000).partitionMs).toBe(2_000);
  });

  it('ignores the ticks of an owner of a lower epoch or incarnation', () => {
    const state = applyTick(clockStart, { incarnation: 2, epoch: 5, n: 1, at: 1_000 }).state;

    expect(applyTick(state, { incarnation: 2, epoch: 4, n: 2, at: 2_000 })).toEqual({ state, outcome: 'ignored' });
    expect(applyTick(state, { incarnation: 1, epoch: 9, n: 2, at: 2_000 })).toEqual({ state, outcome: 'ignored' });
    expect(applyTick(state, { incarnation: 2, epoch: 6, n: 1, at: 2_000 }).outcome).toBe('moved');
  });

  it('counts no tick again that is given again, as a broker does after a lost channel', () => {
    const given = [1, 2, 3, 1, 2, 3, 4].map((n) => ({ incarnation: 1, epoch: 1, n, at: n * 1_000 }));

    const state = given.reduce((now, tick) => applyTick(now, tick).state, clockStart);

    expect(state.partitionMs).toBe(3_000);
  });

  it('stands still while the canary of any awaited input is older than 15 s', () => {
    let state = awaitInputs(clockStart, ['a', 'b'], 0);
    state = ticks(state, 0, 1_000);
    state = sawCanary(state, 'a', 15_000);
    const late = applyTick(state, { incarnation: 1, epoch: 1, n: 100, at: 16_000 });
    expect(late.outcome).toBe('feed-late');
    expect(late.state.partitionMs).toBe(1_000);

    const back = sawCanary(late.state, 'b', 16_500);
    expect(applyTick(back, { incarnation: 1, epoch: 1, n: 101, at: 17_000 }).state.partitionMs).toBe(2_000);
  });

  it('no longer waits for an input that was taken out of the configuration', () => {
    const state = awaitInputs(awaitInputs(clockStart, ['a', 'b'], 0), ['a'], 100_000);

    expect(Object.keys(state.canaries)).toEqual(['a']);
  });
});

describe('the watermark', () => {
  it('is the largest event time plus the partition time passed since', () => {
    let state = sawEventTime(ticks(clockStart, 0, 1_000), 50_000);
    expect(watermark(state)).toBe(50_000);
    state = ticks(state, 2_000, 3_000);
    expect(watermark(state)).toBe(52_000);
    expect(watermark(sawEventTime(state, 51_000))).toBe(52_000);
    expect(watermark(sawEventTime(state, 60_000))).toBe(60_000);
  });

  it('is before everything while no event time was seen', () => {
    expect(watermark(ticks(clockStart, 0, 1_000))).toBe(Number.NEGATIVE_INFINITY);
  });
});
