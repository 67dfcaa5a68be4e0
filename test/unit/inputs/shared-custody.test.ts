import { expect, it } from 'vitest';
import { SharedCustodies } from '../../../src/inputs/http/shared-custody.ts';
import { ManualClock } from '../../../src/lib/manual-clock.ts';

it('is one for the requests of a second, so that they are made durable together', async () => {
  const clock = new ManualClock();
  const custodies = new SharedCustodies(clock);

  const first = custodies.now();
  await clock.advance(999);
  const second = custodies.now();
  await clock.advance(1);
  const third = custodies.now();

  expect(second.custody).toBe(first.custody);
  expect(third.custody).not.toBe(first.custody);
});

it('is not shared any more once one of them came too late', () => {
  const custodies = new SharedCustodies(new ManualClock());
  const late = custodies.now();
  late.end();

  const next = custodies.now();

  expect(late.custody.holds()).toBe(false);
  expect(next.custody.holds()).toBe(true);
});

it('counts from the first of them, and is over after a minute that nobody saw', async () => {
  const clock = new ManualClock();
  const { custody } = new SharedCustodies(clock).now();

  await clock.advance(60_000);
  expect(custody.holds()).toBe(true);
  await clock.advance(1);

  expect(custody.holds()).toBe(false);
});
