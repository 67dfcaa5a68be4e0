import { expect, it } from 'vitest';
import { HeardCustody } from '../../../src/inputs/custody.ts';
import type { Clock } from '../../../src/lib/clock.ts';

/** Both clocks by hand: a machine that sleeps stops one, an operator sets the other. */
function handClock(): Clock & { wall: number; steady: number } {
  const clock = {
    wall: 1_000_000,
    steady: 0,
    now: () => clock.wall,
    monotonic: () => clock.steady,
    sleep: () => Promise.reject(new Error('nobody sleeps here')),
  };
  return clock;
}

it('holds for a minute after the source was heard', () => {
  const clock = handClock();
  const custody = new HeardCustody(clock, new AbortController().signal);
  clock.steady = 60_000;
  expect(custody.holds()).toBe(true);
  clock.steady = 60_001;
  expect(custody.holds()).toBe(false);
  custody.heard();
  expect(custody.holds()).toBe(true);
});

it('is gone after a sleep that only the wall clock has seen', () => {
  const clock = handClock();
  const custody = new HeardCustody(clock, new AbortController().signal);
  clock.wall += 60_001;
  expect(custody.holds()).toBe(false);
});

it('is no longer for a wall clock that was set back', () => {
  const clock = handClock();
  const custody = new HeardCustody(clock, new AbortController().signal);
  clock.wall -= 3_600_000;
  clock.steady = 60_001;
  expect(custody.holds()).toBe(false);
});

it('is gone with its connection', () => {
  const lost = new AbortController();
  const custody = new HeardCustody(handClock(), lost.signal);
  lost.abort();
  expect(custody.holds()).toBe(false);
});
