import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import { fullJitterMs, retryLoop } from '../../../src/lib/retry-loop.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

const setting = (over: { retryable?: (thrown: unknown) => number | undefined } = {}) => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const pauses: number[] = [];
  return {
    clock,
    stop,
    pauses,
    loop: {
      clock,
      random: () => 1,
      signal: stop.signal,
      baseMs: 100,
      capMs: 1000,
      retryable: () => 0,
      onRetry: (_: unknown, __: number, retryInMs: number) => pauses.push(retryInMs),
      ...over,
    },
  };
};

describe('the retry loop', () => {
  it('doubles the bound of its pauses up to the cap', async () => {
    const { loop, clock, pauses } = setting();

    const result = retryLoop(loop, async (number) => {
      if (number < 6) throw new Error('not yet');
      return number;
    });
    await turn();
    await clock.advance(10_000);

    expect(await result).toBe(6);
    expect(pauses).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  it('waits at least as long as the other side asked for', async () => {
    const { loop, clock, pauses } = setting({ retryable: () => 7_000 });

    const result = retryLoop(loop, async (number) => {
      if (number === 0) throw new Error('not yet');
    });
    await turn();
    await clock.advance(7_000);
    await result;

    expect(pauses).toEqual([7_000]);
  });

  it('throws on what is not retryable', async () => {
    const { loop } = setting({ retryable: () => undefined });
    const broken = new Error('broken');

    await expect(retryLoop(loop, () => Promise.reject(broken))).rejects.toBe(broken);
  });

  it('ends its pause when it is aborted', async () => {
    const { loop, stop } = setting();
    const result = retryLoop(loop, () => Promise.reject(new Error('never')));
    await turn();

    stop.abort(new Error('enough'));

    await expect(result).rejects.toThrow('enough');
  });

  it('spreads over the whole interval', () => {
    const backoff = { baseMs: 100, capMs: 1000 };

    expect([0, 0.5, 1].map((random) => fullJitterMs(2, () => random, backoff))).toEqual([0, 200, 400]);
    expect(fullJitterMs(1e9, () => 1, backoff)).toBe(1000);
  });
});
