import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import { Intake } from '../../../src/pipeline/intake.ts';

const never = new AbortController().signal;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Whether a promise is still open after a turn of the event loop. */
async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  let open = true;
  promise.then(
    () => (open = false),
    () => (open = false),
  );
  await turn();
  return open;
}

describe('an intake', () => {
  it('gives what came in order, and at the end the rest and then null', async () => {
    const intake = new Intake<number>(10);
    const clock = new ManualClock();
    await intake.deliver([1, 2, 3]);
    intake.end();

    expect(await intake.take(2, 0, clock, never)).toEqual([1, 2]);
    expect(await intake.take(2, 0, clock, never)).toEqual([3]);
    expect(await intake.take(2, 0, clock, never)).toBeNull();
  });

  it('makes who delivers wait at the bound until something is taken', async () => {
    const intake = new Intake<number>(2);
    const delivering = intake.deliver([1, 2]);

    expect(await isOpen(delivering)).toBe(true);
    await intake.take(1, 0, new ManualClock(), never);
    expect(await isOpen(delivering)).toBe(false);
  });

  it('makes who delivers wait when few but large ones wait already, until some are taken', async () => {
    const intake = new Intake<string>(10, { max: 100, of: (item) => item.length });
    const [large, small] = ['x'.repeat(60), 'x'];
    expect(await isOpen(intake.deliver([large]))).toBe(false);
    const delivering = intake.deliver([large, small]);

    expect(await isOpen(delivering)).toBe(true);
    expect(await intake.take(1, 0, new ManualClock(), never)).toEqual([large]);
    expect(await isOpen(delivering)).toBe(false);
  });

  it('takes one that is larger than its bound', async () => {
    const intake = new Intake<string>(10, { max: 100, of: (item) => item.length });
    const delivering = intake.deliver(['x'.repeat(1_000)]);

    expect(await intake.take(10, 0, new ManualClock(), never)).toHaveLength(1);
    await delivering;
    expect(await isOpen(intake.deliver(['x']))).toBe(false);
  });

  it('waits no longer than the linger for a fuller batch, and not at all for a full one', async () => {
    const intake = new Intake<number>(10);
    const clock = new ManualClock();
    const taking = intake.take(3, 50, clock, never);
    await intake.deliver([1]);
    await turn();
    await clock.advance(49);
    expect(await isOpen(taking)).toBe(true);
    await intake.deliver([2]);
    await clock.advance(1);
    expect(await taking).toEqual([1, 2]);

    const full = intake.take(2, 50, clock, never);
    await intake.deliver([3, 4]);
    expect(await full).toEqual([3, 4]);
  });

  it('does not linger while it is full of large ones: nobody could add to the batch', async () => {
    const intake = new Intake<string>(10, { max: 100, of: (item) => item.length });
    const taking = intake.take(3, 50, new ManualClock(), never);
    void intake.deliver(['x'.repeat(200)]);

    expect(await isOpen(taking)).toBe(false);
  });

  it('leaves nothing behind on the signal, however many lingers ran out', async () => {
    const intake = new Intake<number>(10);
    const clock = new ManualClock();
    const { signal } = new AbortController();
    for (let i = 0; i < 20; i++) {
      const taking = intake.take(3, 50, clock, signal);
      await intake.deliver([i]);
      await turn();
      await clock.advance(50);
      await taking;
    }

    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('gives back what waits when its listener failed, and tells who delivers', async () => {
    const intake = new Intake<number>(2);
    const failure = new Error('the listener failed');
    const waiting = intake.deliver([1, 2]);

    expect(intake.fail(failure)).toEqual([1, 2]);

    await expect(waiting).rejects.toBe(failure);
    await expect(intake.deliver([3])).rejects.toBe(failure);
  });

  it('counts what was delivered and what of it was taken', async () => {
    const intake = new Intake<number>(10);
    await intake.deliver([1, 2, 3]);
    await intake.take(2, 0, new ManualClock(), never);

    expect([intake.delivered, intake.taken]).toEqual([3, 2]);
  });
});
