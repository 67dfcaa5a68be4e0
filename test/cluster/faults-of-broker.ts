import { connect } from 'amqplib';
import { pause } from '../faults/until.ts';
import { again, type ClusterFault, oneOf, told, usual } from './cluster-fault.ts';
import { sizeOf } from './trial.ts';

/** How long nothing came out at most, in ms; ends when `over` says so. */
async function longestPause(outputs: string, over: () => boolean): Promise<number> {
  let [size, since, longest] = [0, performance.now(), 0];
  while (!over()) {
    await pause(100);
    const now = await sizeOf(outputs);
    if (now !== size) [size, since] = [now, performance.now()];
    longest = Math.max(longest, performance.now() - since);
  }
  return Math.round(longest);
}

const longestAllowedMs = 10_000;

export const brokerFaults: readonly ClusterFault[] = [
  {
    id: 'F19',
    about: 'RabbitMQ is killed with SIGKILL and started again',
    times: 3,
    options: (random) => ({
      ...usual,
      during: ({ servers }) =>
        again(3, random, 8_000, async () => {
          await servers.rabbitmq.kill();
          await servers.rabbitmq.launch();
          await servers.rabbitmq.ready();
          await pause(4_000);
        }),
    }),
    seen: told('broker:disconnected', 3),
  },
  {
    id: 'F19c',
    about: 'of three RabbitMQ nodes each is killed once with SIGKILL and started again, raw and internal queues replicated',
    times: 3,
    options: () => ({
      ...usual,
      bus: 'three rabbitmqs',
      during: async ({ servers, cluster }) => {
        let done = false;
        await pause(5_000);
        const watching = longestPause(cluster.outputs, () => done);
        for (const node of servers.nodes) {
          await node.kill();
          await pause(12_000);
          await node.launch();
          await node.ready();
          await pause(6_000);
        }
        done = true;
        const longest = await watching;
        console.log(`the longest pause of the outputs was ${longest} ms`);
        if (longest > longestAllowedMs) throw new Error(`nothing came out for ${longest} ms`);
      },
    }),
    seen: told('broker:disconnected', 3),
  },
  {
    id: 'F20',
    about: 'connections to RabbitMQ are cut, while appending, confirming, reading, committing',
    times: 30,
    options: (random) => ({
      ...usual,
      wires: true,
      during: ({ wires, names }) => again(30, random, 1_500, () => wires.get(oneOf(names, random))?.amqp.cut()),
    }),
    seen: told('broker:disconnected', 5),
  },
  {
    id: 'F20b',
    about: 'the wire to RabbitMQ stands still for less and for more than its heartbeats allow',
    times: 4,
    options: (random) => ({
      ...usual,
      wires: true,
      during: ({ wires, names }) =>
        again(4, random, 2_000, async () => {
          const wire = wires.get(oneOf(names, random))?.amqp;
          wire?.freeze();
          await pause(random() < 0.5 ? 2_000 : 16_000);
          wire?.thaw();
        }),
    }),
  },
  {
    id: 'F23',
    about: 'the binding of a partition is removed: what is sent to it comes back',
    times: 2,
    options: (random) => ({
      ...usual,
      during: ({ servers }) =>
        again(2, random, 3_000, async () => {
          const connection = await connect(servers.rabbitmq.url);
          const channel = await connection.createChannel();
          const binding = ['cg.tf23.all-meters.g1.p0', 'cg.tf23', 'cg.tf23.all-meters.g1.p0'] as const;
          await channel.unbindQueue(...binding);
          await pause(8_000);
          await channel.bindQueue(...binding);
          await connection.close();
        }),
    }),
    seen: told('topic:resent'),
  },
  {
    id: 'F21',
    about: 'RabbitMQ has no memory left for 15 seconds and takes nothing',
    times: 2,
    options: (random) => ({
      ...usual,
      during: ({ servers }) =>
        again(2, random, 4_000, async () => {
          await servers.rabbitmq.evaluate('rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []}).');
          await pause(15_000);
          await servers.rabbitmq.evaluate('rabbit_alarm:clear_alarm({resource_limit, memory, node()}).');
        }),
    }),
    seen: told('broker:blocked'),
  },
];
