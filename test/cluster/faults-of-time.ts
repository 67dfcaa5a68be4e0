import { pause } from '../faults/until.ts';
import { again, type ClusterFault, oneOf, usual } from './cluster-fault.ts';

const hourS = 3_600;

/** Its pairs are given up after two minutes of partition time; each pair is farther apart than what these faults let pass in a healthy cluster. */
const impatient = `sink: correlate
from: events
match: [compute.instance.create.start, compute.instance.create.end]
partition_by: [traits.instance_id]
partitions: 4
record: rec
transform:
  - correlate: { sequence: [compute.instance.create.start, compute.instance.create.end], by: [traits.instance_id], timeout: 90s, hold: 1h, name: instance.build }
publish:
  - file: { path: out/correlate.jsonl }
`;

export const timeFaults: readonly ClusterFault[] = [
  {
    id: 'F27',
    about: 'the wall clocks of the agents are an hour ahead and an hour behind, and are set while they work',
    times: 6,
    options: (random) => ({
      ...usual,
      clocks: true,
      during: async ({ clocks, names }) => {
        await clocks.get('a0')?.set(hourS);
        await clocks.get('a1')?.set(-hourS);
        await again(4, random, 4_000, () => clocks.get(oneOf(names, random))?.set(Math.round((random() - 0.5) * 2 * hourS)));
      },
    }),
  },
  {
    id: 'F28',
    about: 'the wall clock of Redis is set an hour ahead and an hour back',
    times: 4,
    options: () => ({
      ...usual,
      clocks: true,
      during: async ({ servers }) => {
        for (const seconds of [hourS, 0, -hourS, 0]) {
          await pause(8_000);
          await servers.clock?.set(seconds);
        }
      },
    }),
  },
  {
    id: 'F41',
    about: 'the raw side stands still while the partitions live: nothing counts as never ended',
    times: 1,
    options: () => ({
      ...usual,
      // The ends come behind two thousand starts.
      instances: 2_000,
      wires: true,
      sinks: { 'correlate.yaml': impatient },
      during: async ({ wires }) => {
        await pause(2_000);
        for (const { raw } of wires.values()) raw.freeze();
        await pause(150_000);
        for (const { raw } of wires.values()) raw.thaw();
        await pause(5_000);
      },
    }),
    seen: ({ logs }) => (logs.includes('"event":"feed:late"') ? null : 'nobody said feed:late'),
  },
  {
    id: 'F42',
    about: 'no worker for an hour of wall clock: nothing counts as never ended',
    times: 1,
    options: () => ({
      ...usual,
      instances: 2_000,
      clocks: true,
      sinks: { 'correlate.yaml': impatient },
      during: async ({ cluster, clocks, servers, names }) => {
        await pause(2_000);
        await Promise.all(names.map((name) => cluster.kill(name, 'SIGTERM')));
        await Promise.all([servers.clock, ...clocks.values()].map((clock) => clock?.set(hourS)));
        for (const name of names) await cluster.start(name);
        await pause(10_000);
      },
    }),
  },
];
