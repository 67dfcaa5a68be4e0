import { expect, it } from 'vitest';
import { orderFree } from '../cluster/cluster-fault.ts';
import { describeTrial, isGood, trial } from '../cluster/trial.ts';
import { pause } from '../faults/until.ts';

const within = 300_000;

it(
  'gives with its internal topics on Kafka and three agents, two of them killed, what one process gives',
  async () => {
    const result = await trial({
      id: 'kit',
      bus: 'kafka',
      agents: 3,
      partitions: 4,
      notifications: 1_500,
      perSecond: 400,
      orderFree,
      settleMs: 150_000,
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
  },
  within,
);
