import { describe, expect, it } from 'vitest';
import type { Delivery, Input } from '../../../src/inputs/input.ts';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import { runCanaryLoop } from '../../../src/pipeline/canary-loop.ts';
import { Intake } from '../../../src/pipeline/intake.ts';

const cannotSend = { sendCanary: async () => false } as unknown as Input;

describe('a canary loop whose input cannot write to its source', () => {
  it('puts a canary behind what was received, every 5 s until it is told to end', async () => {
    const [intake, clock, over] = [new Intake<Delivery>(10), new ManualClock(), new AbortController()];
    const running = runCanaryLoop('in', cannotSend, intake, clock, over.signal);
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const sent: number[] = [];
    for (const ms of [0, 4_999, 1, 5_000]) {
      await clock.advance(ms);
      await turn();
      sent.push(intake.delivered);
    }
    over.abort();
    await running;

    expect(sent).toEqual([1, 1, 2, 3]);
  });

  it('ends with the listener it tells, also while it waits for room there', async () => {
    const [intake, clock] = [new Intake<Delivery>(1), new ManualClock()];
    const running = runCanaryLoop('in', cannotSend, intake, clock, new AbortController().signal);
    await new Promise((resolve) => setImmediate(resolve));

    intake.fail(new Error('leave now'));

    await running;
  });
});
