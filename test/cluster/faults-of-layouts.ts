import { pause, until } from '../faults/until.ts';
import { type ClusterFault, oneOf, untilAllRun, usual } from './cluster-fault.ts';
import { configurationsOf } from './recorded.ts';
import type { Running } from './trial.ts';

export const layoutFaults: readonly ClusterFault[] = [
  {
    id: 'F36',
    about: 'the number of partitions changes with all agents stopped, from 4 to 6 and to 5; `topics apply` is killed on the way',
    times: 2,
    options: (random) => ({
      ...usual,
      // Agents are away for a while, and what waits in the raw queue then is taken by all of them at once.
      perSecond: 150,
      latenessMs: 600_000,
      settleMs: 240_000,
      during: async (running) => {
        for (const partitions of [6, 5]) {
          await pause(4_000 + 2_000 * random());
          await change(running, partitions, random);
        }
      },
    }),
  },
  {
    id: 'F33',
    about: 'the configuration of a sink is changed, and back, agent by agent, while they are killed and come back',
    times: 12,
    options: (random) => ({
      ...usual,
      orderFree: usual.orderFree.filter((sink) => sink !== changed),
      latenessMs: 600_000,
      during: async ({ cluster, names }) => {
        for (const scale of ['1.0', '100.0']) {
          await pause(2_000 * random());
          await cluster.changeSink(`${changed}.yaml`, (text) => text.replace(/scale: "[\d.]+/, `scale: "${scale}`));
          for (const name of [...names, oneOf(names, random), oneOf(names, random), oneOf(names, random)]) {
            await pause(500 + 2_000 * random());
            await cluster.kill(name, random() < 0.5 ? 'SIGKILL' : 'SIGTERM');
            await cluster.start(name);
          }
          await untilAllRun({ cluster, names });
          await pause(3_000);
        }
        const configurations = await configurationsOf(cluster.recordings, changed);
        if (configurations !== 2) throw new Error(`the sink ran under ${configurations} configurations, expected 2`);
      },
    }),
  },
];

const changed = 'rate-of-change';

/** One agent leaves in order, the others are killed: what they had in work is half appended. */
async function change({ cluster, names }: Running, partitions: number, random: () => number): Promise<void> {
  const [first = '', ...others] = names;
  await Promise.all([cluster.kill(first, 'SIGTERM'), ...others.map((name) => cluster.kill(name, 'SIGKILL'))]);
  await cluster.writePipelines(partitions);
  await until(async () => (await cluster.status(first)).members.length === 0, 30_000, 'members that were killed do not go');
  for (let kills = 0; kills < 4; kills++) {
    const { code, text } = await cluster.run(first, ['topics', 'apply'], 1_500 + kills * 4_000 * random());
    if (code === 0) break;
    if (code !== null) console.log(`topics apply: ${text.trim()}`);
    await until(async () => (await cluster.status(first)).members.length === 0, 30_000, 'the one that drained does not go');
  }
  const done = await cluster.run(first, ['topics', 'apply']);
  if (done.code !== 0) throw new Error(`topics apply failed:\n${done.text}`);
  console.log(done.text.trim());
  const plan = await cluster.run(first, ['topics', 'plan', '--json']);
  const { sinks } = JSON.parse(plan.text) as { sinks: { action: string; stored: { partitions: number } }[] };
  const wrong = sinks.filter(({ action, stored }) => action !== 'none' || stored.partitions !== partitions);
  if (wrong.length > 0) throw new Error(`not as planned: ${JSON.stringify(wrong)}`);
  for (const name of names) await cluster.start(name);
  await until(
    async () => {
      const view = await cluster.status(first).catch(() => null);
      return view?.partitions.every(({ owner }) => owner !== null) === true && view.members.length === names.length;
    },
    60_000,
    'the cluster is not healthy with another number of partitions',
  );
}
