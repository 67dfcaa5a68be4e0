import { expect } from 'vitest';
import { pause } from '../faults/until.ts';
import { orderFree } from './cluster-fault.ts';
import type { Bus } from './servers.ts';
import { describeTrial, isGood, trial } from './trial.ts';

export const twoKilledWithinMs = 300_000;

/** Three agents, two of them killed while notifications come: outputs are those of one process. */
export async function expectTwoKilledToChangeNothing(id: string, bus: Bus, notifications: number): Promise<void> {
  const result = await trial({
    ...{ id, bus, agents: 3, partitions: 4, notifications, perSecond: 400, orderFree, settleMs: 150_000 },
    during: async ({ cluster }) => {
      for (const name of ['a1', 'a2']) {
        await pause(2_000);
        await cluster.kill(name);
        await cluster.start(name);
      }
    },
  });

  expect(isGood(result), describeTrial(result)).toBe(true);
  expect(result.buried).toBe(0);
}
