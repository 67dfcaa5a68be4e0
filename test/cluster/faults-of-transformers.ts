import { fileURLToPath } from 'node:url';
import { pause, until } from '../faults/until.ts';
import { type ClusterFault, told, usual } from './cluster-fault.ts';
import { aside } from './traffic.ts';

const zod = fileURLToPath(import.meta.resolve('zod'));

/** A sink of one own transformer; `step` is the body of its function, which may do its worst where `MISCHIEF` is set. */
function mischievous(meter: string, step: string): Readonly<Record<string, string>> {
  return {
    [`${meter}.yaml`]: `sink: ${meter}
from: samples
match: [${meter}]
partition_by: [resource_id]
partitions: 4
record: rec
transform:
  - use: ./${meter}.mjs
publish:
  - file: { path: out/${meter}.jsonl }
`,
    [`${meter}.mjs`]: `import { z } from ${JSON.stringify(zod)};
let done = false;
export const transformer = {
  name: ${JSON.stringify(meter)},
  summary: 'Does harm.',
  takes: ['samples'],
  scope: 'none',
  Parameters: z.strictObject({}),
  examples: [],
  step(parameters, sample) {
    const harm = process.env.MISCHIEF === '1';
    ${step}
    return { out: [{ item: sample }] };
  },
};
`,
  };
}

export const transformerFaults: readonly ClusterFault[] = [
  {
    id: 'F7',
    about: 'a transformer keeps the event loop of its agent for fifteen seconds',
    times: 1,
    options: () => ({
      ...usual,
      sinks: mischievous(
        'slow',
        'if (harm && !done) { done = true; const end = Date.now() + 15_000; while (Date.now() < end); }',
      ),
      env: (agent) => (agent === 'a0' ? { MISCHIEF: '1' } : {}),
      during: async ({ feeder }) => {
        for (let nth = 0; nth < 100; nth++) {
          await feeder.feed([aside('slow', nth, Date.now())]);
          await pause(200);
        }
      },
    }),
    seen: told('partition:fenced'),
  },
  {
    id: 'F30',
    about: 'one item ends the process of whoever computes it',
    times: 1,
    options: () => ({
      ...usual,
      sinks: mischievous(
        'deadly',
        'if (sample.resource_id === "resource-13") { if (harm) process.exit(1); return { out: [] }; }',
      ),
      env: () => ({ MISCHIEF: '1' }),
      deadly: 1,
      during: async ({ cluster, feeder, names }) => {
        for (let nth = 0; nth < 30; nth++) {
          await feeder.feed([aside('deadly', nth, Date.now())]);
          await pause(300);
        }
        const buried = async () => {
          for (const name of names) {
            if (!cluster.isAlive(name)) await cluster.start(name);
            const view = await cluster.status(name).catch(() => null);
            if ((view?.deadLetters.byReason['kills_the_worker'] ?? 0) > 0) return true;
          }
          return false;
        };
        await until(buried, 180_000, 'nobody buried what kills');
        await pause(2_000);
        for (const name of names) if (!cluster.isAlive(name)) await cluster.start(name);
      },
    }),
    seen: ({ buried }) => (buried === 1 ? null : `${buried} dead letters, expected one`),
  },
];
