import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { PagePool } from '../../../src/lib/text-pages.ts';
import { Fault } from '../../../src/model/faults.ts';
import type { DirectSink } from '../../../src/pipeline/direct-sink.ts';
import { deliverDirect, newWork } from '../../../src/pipeline/work.ts';

const never = new AbortController().signal;

/** Whether the memory of the text is written anew after each sink answered so, one answer an attempt. */
async function isUsedAgain(...answers: readonly (readonly (boolean | Fault)[])[]): Promise<boolean> {
  const pool = new PagePool(1);
  const work = newWork(pool);
  const held = work.pages.hold('text');
  for (const ofSink of answers) {
    const left = [...ofSink];
    const deliver = async () => {
      const answer = left.shift();
      if (answer instanceof Fault) throw answer;
      return answer;
    };
    work.outputs.set({ deliver } as unknown as DirectSink, []);
  }
  await deliverDirect(work, systemClock, never);
  return pool.take().buffer === held.buffer;
}

describe('the memory of what a batch came to', () => {
  it('is used again once every sink is done with it', async () => {
    expect(await isUsedAgain([true], [true])).toBe(true);
  });

  it('is not where one of them holds it', async () => {
    expect(await isUsedAgain([true], [false])).toBe(false);
  });

  it('is not where an attempt failed, which may still read it', async () => {
    expect(await isUsedAgain([new Fault('retryable', 'full', 'the disk is full'), true])).toBe(false);
  });
});
