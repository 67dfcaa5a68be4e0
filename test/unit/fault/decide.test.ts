import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideRetry, defaultRetryPolicy } from '../../../src/core/fault/decide.ts';
import { Fault } from '../../../src/model/faults.ts';

const retryable = (retryAfterMs?: number) =>
  new Fault('retryable', 'econnrefused', 'no', retryAfterMs === undefined ? {} : { retryAfterMs });

describe('decideRetry', () => {
  it.each([
    [1, 250],
    [2, 500],
    [3, 1000],
    [4, 2000],
    [8, 30_000],
    [1000, 30_000],
  ])('pauses after failure %i at most %i ms', (attempt, bound) => {
    expect(decideRetry(retryable(), attempt, 0.999999, defaultRetryPolicy)).toEqual({ kind: 'retry', inMs: bound });
    expect(decideRetry(retryable(), attempt, 0, defaultRetryPolicy)).toEqual({ kind: 'retry', inMs: 0 });
  });

  it('never comes back before the other side asked for', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(3_600_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, asked, random) => {
        const decision = decideRetry(retryable(asked), attempt + 1, random);
        expect(decision.kind === 'retry' && decision.inMs >= asked).toBe(true);
      }),
    );
  });

  it('gives up after as many attempts as the policy allows', () => {
    const policy = { ...defaultRetryPolicy, maxAttempts: 3 };

    expect(decideRetry(retryable(), 2, 0.5, policy).kind).toBe('retry');
    expect(decideRetry(retryable(), 3, 0.5, policy)).toEqual({ kind: 'dead-letter', reason: 'too_many_attempts' });
  });

  it('buries poison under its code and stops for what is not the batch', () => {
    expect(decideRetry(new Fault('poison', 'http_status', 'HTTP 400'), 1, 0)).toEqual({
      kind: 'dead-letter',
      reason: 'http_status',
    });
    expect(decideRetry(new Fault('fatal', 'x', 'x'), 1, 0)).toEqual({ kind: 'stop' });
    expect(decideRetry(new Fault('fenced', 'x', 'x'), 1, 0)).toEqual({ kind: 'stop' });
  });
});
