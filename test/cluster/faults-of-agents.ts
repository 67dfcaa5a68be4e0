import type { ClusterView } from '../../src/agent/cluster-view.ts';
import { pause, until } from '../faults/until.ts';
import { again, type ClusterFault, oneOf, told, usual } from './cluster-fault.ts';

const points = [
  'before-append',
  'after-append',
  'before-raw-ack',
  'after-raw-ack',
  'before-commit',
  'after-commit',
  'before-clear',
  'after-settle',
];

function isEven({ partitions }: ClusterView, names: readonly string[]): boolean {
  const shares = names.map((name) => partitions.filter(({ owner }) => owner === name).length);
  return Math.max(...shares) - Math.min(...shares) <= 1 && partitions.every(({ owner }) => owner !== null);
}

export const agentFaults: readonly ClusterFault[] = [
  {
    id: 'F1',
    about: 'SIGKILL of an agent at a random moment, started again',
    times: 20,
    options: (random) => ({
      ...usual,
      during: ({ cluster, names }) =>
        again(20, random, 2_000, async () => {
          const name = oneOf(names, random);
          await cluster.kill(name);
          await pause(random() * 2_000);
          await cluster.start(name);
        }),
    }),
    seen: told('partition:acquired', 60),
  },
  {
    id: 'F2c',
    about: 'an agent of the cluster dies at each named place of listener and worker',
    times: points.length * 2,
    options: () => ({
      ...usual,
      during: async ({ cluster, names }) => {
        const [name = ''] = names;
        for (const nth of [1, 7]) {
          for (const point of points) {
            await cluster.kill(name);
            await cluster.start(name, { CEILOGRAPH_CRASH_AT: `${point}:${nth}` });
            await cluster.died(name);
          }
        }
        await cluster.start(name);
      },
    }),
  },
  {
    id: 'F3b',
    about: 'the only listener dies between append and acknowledgement and stays away longer than ids are kept that were proven',
    times: 2,
    options: () => ({
      ...usual,
      agents: 2,
      withoutInputs: ['a1'],
      during: async ({ cluster }) => {
        for (const point of ['after-append', 'before-raw-ack']) {
          await pause(3_000);
          await cluster.kill('a0');
          await cluster.start('a0', { CEILOGRAPH_CRASH_AT: `${point}:5` });
          await cluster.died('a0');
          await pause(150_000);
          await cluster.start('a0');
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
      during: ({ cluster, names }) =>
        again(6, random, 2_000, async () => {
          const name = oneOf(names, random);
          cluster.signal(name, 'SIGSTOP');
          await pause(4_000 + random() * 3_000);
          cluster.signal(name, 'SIGCONT');
        }),
    }),
    seen: told('partition:fenced'),
  },
  {
    id: 'F5',
    about: 'an agent is stopped for longer than the broker keeps its connections, and wakes up',
    times: 2,
    options: (random) => ({
      ...usual,
      during: ({ cluster, names }) =>
        again(2, random, 2_000, async () => {
          const name = oneOf(names, random);
          cluster.signal(name, 'SIGSTOP');
          await pause(25_000);
          cluster.signal(name, 'SIGCONT');
        }),
    }),
    seen: told('partition:fenced'),
  },
  {
    id: 'F8',
    about: 'SIGTERM and start again, one agent after the other',
    times: 6,
    options: () => ({
      ...usual,
      during: async ({ cluster, names }) => {
        for (const name of [...names, ...names]) {
          await pause(2_000);
          await cluster.kill(name, 'SIGTERM');
          await cluster.start(name);
        }
      },
    }),
    seen: ({ recorded }) => (recorded.doubled === 0 ? null : `${recorded.doubled} lines came twice though nobody was killed`),
  },
  {
    id: 'F35',
    about: 'agents are brought to the protocol before theirs and back, one after the other; one that is farther away is kept out',
    times: 6,
    options: () => ({
      ...usual,
      during: async ({ cluster, names }) => {
        for (const protocol of ['0', '1']) {
          for (const name of names) {
            await pause(2_000);
            await cluster.kill(name, 'SIGTERM');
            await cluster.start(name, { CEILOGRAPH_PROTOCOL: protocol });
          }
        }
        await cluster.start('stranger', { CEILOGRAPH_PROTOCOL: '3' });
        await cluster.died('stranger');
        const said = await cluster.log('stranger');
        if (!said.includes('This build speaks protocol 3'))
          throw new Error(`an agent that is two protocols away was let in: ${said}`);
      },
    }),
    seen: ({ recorded }) => (recorded.doubled === 0 ? null : `${recorded.doubled} lines came twice though nobody was killed`),
  },
  {
    id: 'F24',
    about: 'every notification comes three times',
    times: 3,
    options: () => ({ ...usual, notifications: 4_000, copies: 3, perSecond: 900 }),
  },
  {
    id: 'F32',
    about: 'agents join and leave at random for a minute, and share evenly in the end',
    times: 100,
    options: (random) => ({
      ...usual,
      agents: 5,
      during: async ({ cluster, names }) => {
        const leaves = new Set<string>();
        for (let i = 0; i < 100; i++) {
          await pause(900 * random());
          const name = oneOf(names.slice(1), random);
          if (leaves.has(name)) await cluster.start(name);
          else await cluster.kill(name, random() < 0.5 ? 'SIGKILL' : 'SIGTERM');
          if (!leaves.delete(name)) leaves.add(name);
        }
        for (const name of leaves) await cluster.start(name);
        await until(async () => isEven(await cluster.status('a0'), names), 60_000, 'partitions are not shared out evenly');
      },
    }),
  },
];
