import { again, oneOf, untilAllRun } from '../cluster/cluster-fault.ts';
import { pause, until } from '../faults/until.ts';
import { type HostsTrial, lateAfterMs, silent, steady } from './trial.ts';

export interface HostsFault {
  readonly id: string;
  readonly about: string;
  readonly options: (random: () => number) => Omit<HostsTrial, 'id'>;
}

/** How long a thing that should last ten minutes lasts here; `LIVENESS_FAULT_SECONDS=600` for all of it. */
const longMs = Number(process.env['LIVENESS_FAULT_SECONDS'] ?? 60) * 1_000;
const hourS = 3_600;

export const hostsFaults: readonly HostsFault[] = [
  {
    id: 'L1',
    about: 'owners are killed while a third of the hosts falls silent',
    options: (random) => ({
      during: ({ cluster, names }) =>
        again(8, random, 4_000, async () => {
          const name = oneOf(names, random);
          await cluster.kill(name);
          await pause(random() * 2_000);
          await cluster.start(name);
        }),
    }),
  },
  {
    id: 'L2',
    about: 'owners are stopped for longer than their leases live, and wake up believing that they own',
    options: (random) => ({
      during: ({ cluster, names }) =>
        again(4, random, 3_000, async () => {
          const name = oneOf(names, random);
          cluster.signal(name, 'SIGSTOP');
          await pause(4_000 + random() * 3_000);
          cluster.signal(name, 'SIGCONT');
        }),
    }),
  },
  {
    id: 'L3',
    about: 'Redis is killed, started again, and flushed; living agents write back what they hold',
    options: () => ({
      recovery: 'reseed',
      during: async ({ servers: { redis }, cluster, names }) => {
        await pause(5_000);
        await redis.restart('SIGKILL');
        await pause(8_000);
        await redis.admin('FLUSHALL');
        await untilAllRun({ cluster, names });
      },
    }),
  },
  {
    id: 'L4',
    about: 'the bus is away for long',
    options: () => ({
      during: async ({ servers: { rabbitmq } }) => {
        await pause(3_000);
        await rabbitmq.kill();
        await pause(longMs);
        await rabbitmq.launch();
        await rabbitmq.ready();
      },
    }),
  },
  {
    id: 'L5',
    about: 'no listener and no owner for long: the raw queue is that far behind, and all partitions are nobody’s',
    options: () => ({
      during: async ({ cluster, names }) => {
        await pause(3_000);
        for (const name of names) await cluster.kill(name);
        await pause(longMs);
        for (const name of names) await cluster.start(name);
      },
    }),
  },
  {
    id: 'L6',
    about: 'the wall clocks of agents and of Redis are set an hour ahead and back',
    options: () => ({
      clocks: true,
      during: async ({ servers, clocks }) => {
        await clocks.get('a0')?.set(hourS);
        await clocks.get('a1')?.set(-hourS);
        for (const seconds of [hourS, 0, -hourS, 0]) {
          await pause(5_000);
          await servers.clock?.set(seconds);
        }
      },
    }),
  },
  {
    id: 'L7',
    about: 'who announces is killed again and again while it holds what it will tell as one',
    options: (random) => ({
      grouped: true,
      during: async ({ cluster, names }) => {
        let kills = 0;
        await again(4, random, 5_000, async () => {
          const view = await cluster.status(names[0] ?? '');
          const owner = view.partitions.find(({ sink }) => sink === 'liveness-announce')?.owner;
          const name = names.find((each) =>
            view.members.some(({ agent, pid }) => agent === owner && cluster.pidOf(each) === pid),
          );
          if (name === undefined) return;
          await cluster.kill(name);
          kills += 1;
          await cluster.start(name);
        });
        if (kills === 0) throw new Error('nobody who announces was found to be killed');
      },
    }),
  },
  {
    id: 'L8',
    about: 'hosts go to and fro below their deadline, and one is removed from the inventory while it is told as down',
    options: (random) => ({
      during: async ({ reporter, told, forget, cluster, names }) => {
        const [gone] = silent;
        if (gone === undefined) throw new Error('nobody falls silent');
        await again(3, random, 2_000, async () => {
          const name = oneOf(names, random);
          for (const host of steady) if (random() < 0.5) reporter.speaking.delete(host);
          await cluster.kill(name);
          const started = cluster.start(name);
          // Those that went are back before they are late, whoever judges them by then.
          await pause(0.6 * lateAfterMs);
          for (const host of steady) reporter.speaking.add(host);
          await started;
        });
        await until(async () => (await told()).byHost.get(gone)?.includes('host.down') === true, 120_000, `${gone} was not told`);
        await forget(gone);
        await until(
          async () => (await told()).byHost.get(gone)?.includes('host.up') === true,
          120_000,
          `no end was told of ${gone}`,
        );
      },
    }),
  },
];
