import { pause } from '../faults/until.ts';
import { again, type ClusterFault, oneOf, told, usual } from './cluster-fault.ts';

export const targetFaults: readonly ClusterFault[] = [
  {
    id: 'F31',
    about: 'a target is down for a minute, slow, answers errors, and dies after it took a batch, while agents are killed',
    times: 4,
    options: (random) => ({
      ...usual,
      web: 'all-meters',
      during: async ({ web, cluster, names }) => {
        const killOne = async () => {
          const name = oneOf(names, random);
          await cluster.kill(name);
          await cluster.start(name);
        };
        if (web === undefined) throw new Error('there is no target');
        const { server, wire } = web;
        await pause(2_000);
        wire.refuse(true);
        wire.cut();
        await pause(30_000);
        await killOne();
        await pause(30_000);
        wire.refuse(false);
        await again(3, random, 3_000, async () => {
          wire.freeze();
          await pause(3_000);
          wire.thaw();
        });
        server.answering = 'error';
        await pause(6_000);
        await killOne();
        await pause(6_000);
        server.answering = 'ok';
        await again(6, random, 1_500, async () => {
          wire.holdAnswers();
          await pause(800);
          wire.cut();
        });
        await killOne();
      },
    }),
    seen: (trial) => {
      const amiss = told('publish:retry', 10)(trial) ?? told('breaker:opened')(trial);
      const { same = 0, amiss: wrong = [], repeated = 0 } = trial.web ?? {};
      console.log(`at the target: ${same} outputs as in the file, ${wrong.length} are not, ${repeated} came again`);
      if (amiss !== null) return amiss;
      return same > 0 && wrong.length === 0 ? null : `at the target: ${wrong.slice(0, 3).join('; ')}`;
    },
  },
];
