import { pause } from '../faults/until.ts';
import type { Running, TrialOptions } from './trial.ts';

/** What is done to a cluster while it works. One run of it is one trial, with a seed of its own. */
export interface ClusterFault {
  readonly id: string;
  readonly about: string;
  /** What is done so many times within a run. */
  readonly times: number;
  readonly options: (random: () => number) => Omit<TrialOptions, 'id'>;
}

const orderFree = ['all-meters', 'compute-only', 'window', 'correlate', 'rate-of-change', 'delta'];
const usual = { agents: 3, notifications: 20_000, partitions: 4, perSecond: 400, orderFree, settleMs: 180_000 };

const oneOf = <T>(list: readonly T[], random: () => number): T => list[Math.floor(random() * list.length)] as T;

export const clusterFaults: readonly ClusterFault[] = [
  {
    id: 'F1',
    about: 'SIGKILL of an agent at a random moment, started again',
    times: 20,
    options: (random) => ({
      ...usual,
      during: async ({ cluster, names }) => {
        for (let i = 0; i < 20; i++) {
          await pause(500 + random() * 2_000);
          const name = oneOf(names, random);
          await cluster.kill(name);
          await pause(random() * 2_000);
          await cluster.start(name);
        }
      },
    }),
  },
  {
    id: 'F4',
    about: 'an agent is stopped for longer than its leases live, and wakes up',
    times: 6,
    options: (random) => ({
      ...usual,
      during: async (running) => {
        for (let i = 0; i < 6; i++) await stopped(running, oneOf(running.names, random), 4_000 + random() * 3_000);
      },
    }),
  },
];

async function stopped({ cluster }: Running, name: string, ms: number): Promise<void> {
  await pause(1_500);
  cluster.signal(name, 'SIGSTOP');
  await pause(ms);
  cluster.signal(name, 'SIGCONT');
}
