import { pause } from '../faults/until.ts';
import { again, type ClusterFault, oneOf, told, usual } from './cluster-fault.ts';
import { agentFaults } from './faults-of-agents.ts';
import { inputFaults } from './faults-of-input.ts';
import { layoutFaults } from './faults-of-layouts.ts';
import { transformerFaults } from './faults-of-transformers.ts';

/** What befalls agents and their input befalls them whatever holds their entries; the notifications still come from RabbitMQ. */
const onBoth = ['F1', 'F2c', 'F3b', 'F4', 'F5', 'F6', 'F7', 'F8', 'F24', 'F36'];

const same = [...agentFaults, ...inputFaults, ...transformerFaults, ...layoutFaults]
  .filter(({ id }) => onBoth.includes(id))
  .map(
    (fault): ClusterFault => ({
      ...fault,
      id: `K${fault.id}`,
      about: `${fault.about}; the internal topics are on Kafka`,
      options: (random) => ({ ...fault.options(random), bus: 'kafka' }),
    }),
  );

const onKafka = { ...usual, bus: 'kafka' } as const;

export const kafkaFaults: readonly ClusterFault[] = [
  ...same,
  {
    id: 'KF19',
    about: 'Kafka is killed with SIGKILL and started again',
    times: 3,
    options: (random) => ({
      ...onKafka,
      during: ({ servers }) =>
        again(3, random, 8_000, async () => {
          await servers.kafka?.kill();
          await servers.kafka?.launch();
          await servers.kafka?.ready();
          await pause(4_000);
        }),
    }),
    seen: told('broker:disconnected', 3),
  },
  {
    id: 'KF20',
    about: 'connections to Kafka are cut, while appending, confirming, reading, trimming',
    times: 30,
    options: (random) => ({
      ...onKafka,
      wires: true,
      during: ({ kafkaWire }) => again(30, random, 1_500, () => kafkaWire?.cut()),
    }),
    seen: told('broker:disconnected', 5),
  },
  {
    id: 'KF21',
    about: 'Kafka stands still for 15 seconds and answers nothing',
    times: 2,
    options: (random) => ({
      ...onKafka,
      during: ({ servers }) =>
        again(2, random, 4_000, async () => {
          servers.kafka?.signal('SIGSTOP');
          await pause(15_000);
          servers.kafka?.signal('SIGCONT');
        }),
    }),
    // Longer than an answer may take; what was being appended comes through with the second try of the same producer.
    seen: told('broker:disconnected'),
  },
  {
    id: 'KF34',
    about:
      'an agent sleeps in the middle of its appends, Kafka is killed meanwhile, and the sleeper wakes up with what it had sent',
    times: 3,
    options: (random) => ({
      ...onKafka,
      during: ({ cluster, servers, names }) =>
        again(3, random, 4_000, async () => {
          const name = oneOf(names, random);
          cluster.signal(name, 'SIGSTOP');
          await servers.kafka?.kill();
          await servers.kafka?.launch();
          await servers.kafka?.ready();
          await pause(3_000);
          cluster.signal(name, 'SIGCONT');
          await pause(3_000);
        }),
    }),
    seen: told('topic:resent'),
  },
];
