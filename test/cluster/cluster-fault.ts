import { pause, until } from '../faults/until.ts';
import type { Running, Trial, TrialOptions } from './trial.ts';

/** What is done to a cluster while it works. One run of it is one trial, with a seed of its own. */
export interface ClusterFault {
  readonly id: string;
  readonly about: string;
  /** What is done so many times within a run. */
  readonly times: number;
  readonly options: (random: () => number) => Omit<TrialOptions, 'id'>;
  /** What is lost was given up by the operator: outputs need not be whole, but `seen` says what must hold all the same. */
  readonly lossAccepted?: true;
  /** What must be seen beside exact outputs: that the fault took place, or that it was told of. Else what is wrong. */
  readonly seen?: (trial: Trial) => string | null;
}

/** Outputs of these sinks do not depend on which listener took what. */
export const orderFree = ['all-meters', 'compute-only', 'window', 'correlate', 'rate-of-change', 'delta'];

export const usual = { agents: 3, notifications: 6_000, partitions: 4, perSecond: 400, orderFree, settleMs: 180_000 };

export function oneOf<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)] as T;
}

/** Each so many times: a pause of up to `withinMs`, then the deed. */
export async function again(
  times: number,
  random: () => number,
  withinMs: number,
  deed: () => Promise<void> | void,
): Promise<void> {
  for (let i = 0; i < times; i++) {
    await pause(withinMs * (0.3 + 0.7 * random()));
    await deed();
  }
}

export function told(event: string, atLeast = 1): (trial: Trial) => string | null {
  return ({ logs }) => {
    const count = logs.split(`"event":"${event}"`).length - 1;
    return count >= atLeast ? null : `the agents said ${event} ${count} times, expected ${atLeast} or more`;
  };
}

/** Every partition has an owner, and nothing that is in its way. */
export async function untilAllRun({ cluster, names }: Pick<Running, 'cluster' | 'names'>): Promise<void> {
  await until(
    async () => {
      const view = await cluster.status(names[0] ?? '').catch(() => null);
      return view?.partitions.every(({ owner, trouble }) => owner !== null && trouble === null) === true;
    },
    120_000,
    'not every partition runs again',
  );
}
