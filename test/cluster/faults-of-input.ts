import { pause } from '../faults/until.ts';
import { again, type ClusterFault, oneOf, told, usual } from './cluster-fault.ts';
import { aside, type Raw } from './traffic.ts';

/** Dead letters of the same bytes are one: the `nth` time they are others. */
function hostile(nth: number): readonly Buffer[] {
  return bodies.map((body) => Buffer.concat([Buffer.from(body), Buffer.alloc(nth, 0x20)]));
}

const bodies: readonly (string | Buffer)[] = [
  '{',
  'null',
  '[]',
  '{"oslo.version":"2.0","oslo.message":"{"}',
  '['.repeat(100_000),
  `{"message_id":"nan","event_type":"x","publisher_id":"p","timestamp":"t","payload":{"a":NaN}}`,
  Buffer.from([0xff, 0xfe, 0x00]),
  Buffer.alloc(9 * 1024 * 1024, 0x20),
];

const comeAgain = 1_000;
const instances = 200;
/** Of partition time, after the broker was seen to know that they were acknowledged. */
const idsKeptMs = 120_000;

/** Whoever remembers what it saw must forget in time. */
const flooded = `sink: flooded
from: samples
match: [flood]
partition_by: [resource_id]
partitions: 4
record: rec
transform:
  - deduplicate: { by: [resource_id], window: 24h, max_keys: 500 }
publish:
  - file: { path: out/flooded.jsonl }
`;

function* flood(count: number, at: number): Generator<Raw> {
  for (let nth = 0; nth < count; nth++) yield aside('flood', nth, at + nth);
}

export const inputFaults: readonly ClusterFault[] = [
  {
    id: 'F6',
    about: 'a listener is stopped with notifications in its hands, for less and for more than proven ids are kept, and wakes up',
    times: 2,
    options: (random) => ({
      ...usual,
      perSecond: 100,
      during: async ({ cluster, names }) => {
        for (const ms of [40_000, 150_000]) {
          await pause(3_000);
          const name = oneOf(names, random);
          cluster.signal(name, 'SIGSTOP');
          await pause(ms);
          cluster.signal(name, 'SIGCONT');
        }
        await pause(5_000);
      },
    }),
    seen: told('partition:fenced'),
  },
  {
    id: 'F25',
    about: 'notifications come in another order, and are given back by agents that die',
    times: 10,
    options: (random) => ({
      ...usual,
      shuffled: 50,
      during: ({ cluster, names }) =>
        again(10, random, 2_000, async () => {
          const name = oneOf(names, random);
          await cluster.kill(name);
          await cluster.start(name);
        }),
    }),
  },
  {
    id: 'F26',
    about:
      'notifications come once more when their ids are no longer kept: outputs keep their ids, and `deduplicate` tells them apart',
    times: 1,
    options: () => ({
      ...usual,
      instances,
      // What is the same whether an item came once or twice; of the others the recordings tell.
      orderFree: ['all-meters', 'compute-only'],
      during: async ({ feeder }) => {
        await pause(3_000);
        const first = feeder.published.slice(0, comeAgain);
        await pause(idsKeptMs + 30_000);
        await feeder.feed(first, usual.perSecond);
        await pause(3_000);
      },
    }),
    seen: ({ recorded }) => {
      const told = recorded.files['deduplicate'];
      return told === instances ? null : `deduplicate let ${told} through, expected one of each of ${instances} instances`;
    },
  },
  {
    id: 'F39',
    about: 'agents have 96 MB of heap while resources that were never seen come without end, and bodies of 9 MB between them',
    times: 5,
    options: () => ({
      ...usual,
      sinks: { 'flooded.yaml': flooded },
      env: () => ({ NODE_OPTIONS: '--max-old-space-size=96' }),
      during: async ({ cluster, feeder, names }) => {
        const pids = names.map((name) => cluster.pidOf(name));
        const flooding = feeder.feed(flood(30_000, Date.now()), 1_500);
        for (let nth = 0; nth < 5; nth++) {
          await pause(3_000);
          await feeder.publishAside(Array.from({ length: 10 }, (_, i) => Buffer.alloc(9 * 1024 * 1024 + 10 * nth + i, 0x20)));
        }
        await flooding;
        await pause(5_000);
        const died = names.filter((name, i) => cluster.pidOf(name) !== pids[i]);
        if (died.length > 0) throw new Error(`${died.join(', ')} died`);
      },
    }),
    seen: ({ recorded, buried }) => {
      const through = recorded.files['flooded'];
      return through === 30_000 && buried === 50 ? null : `${through} of 30000 came through, ${buried} dead letters of 50`;
    },
  },
  {
    id: 'F29',
    about: 'what nobody can read comes between the others',
    times: bodies.length * 5,
    options: (random) => ({
      ...usual,
      during: ({ feeder }) => {
        let nth = 0;
        return again(5, random, 2_000, () => feeder.publishAside(hostile(nth++)));
      },
    }),
    seen: ({ buried }) => (buried === bodies.length * 5 ? null : `${buried} dead letters, expected ${bodies.length * 5}`),
  },
];
