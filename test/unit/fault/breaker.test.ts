import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { abandoned, ask, type Breaker, closedBreaker, failed, succeeded } from '../../../src/core/fault/breaker.ts';

const policy = { threshold: 3, openMs: 100, maxOpenMs: 400 };
const failing = (times: number, now: number) => {
  let breaker: Breaker = closedBreaker;
  for (let i = 0; i < times; i++) breaker = failed(breaker, now, policy);
  return breaker;
};

describe('the breaker', () => {
  it('opens after so many failures in a row and not before', () => {
    expect(ask(failing(2, 0), 0).waitMs).toBe(0);
    expect(ask(failing(3, 0), 40)).toMatchObject({ waitMs: 60 });
  });

  it('forgets failures with a success', () => {
    expect(succeeded(failing(2, 0))).toEqual(closedBreaker);
  });

  it('lets one probe through when its time is over, and nobody beside it', () => {
    const { breaker, waitMs } = ask(failing(3, 0), 100);

    expect(waitMs).toBe(0);
    expect(ask(breaker, 100).waitMs).toBeGreaterThan(0);
  });

  it('doubles its time when the probe fails, up to the bound', () => {
    let breaker = failing(3, 0);
    const waits = [200, 400, 400].map((expected, i) => {
      breaker = failed(ask(breaker, i * 10_000 + 10_000).breaker, i * 10_000 + 10_000, policy);
      return [expected, breaker.kind === 'open' ? breaker.openMs : 0];
    });

    for (const [expected, got] of waits) expect(got).toBe(expected);
  });

  it('lets the next one probe at once when the probe was given up', () => {
    const probing = ask(failing(3, 0), 100).breaker;

    expect(ask(abandoned(probing, 110), 110).waitMs).toBe(0);
  });

  it('never stays shut: whatever happened, somebody may try within the longest time', () => {
    const steps = fc.array(fc.constantFrom('ask', 'fail', 'ok', 'abandon'), { maxLength: 40 });
    fc.assert(
      fc.property(steps, (names) => {
        let breaker: Breaker = closedBreaker;
        let now = 0;
        for (const name of names) {
          now += 50;
          if (name === 'ask') breaker = ask(breaker, now).breaker;
          if (name === 'fail') breaker = failed(breaker, now, policy);
          if (name === 'ok') breaker = succeeded(breaker);
          if (name === 'abandon') breaker = abandoned(breaker, now);
        }
        if (breaker.kind === 'half-open') breaker = failed(breaker, now, policy);
        expect(ask(breaker, now + policy.maxOpenMs).waitMs).toBe(0);
      }),
    );
  });
});
