import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { simulate } from '../sim/simulate.ts';
import { close, type Tally } from './report.ts';

// The whole cluster in one process, without real time: `npm run test:sim -- --seeds N [--from S]`. A seed that finds something wrong finds it
// again, with the story of what happened before: `npm run test:sim -- --seed S`.

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    share: { type: 'boolean', default: false },
  },
});
const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const fewForOne = 100;

interface Sum extends Tally {
  readonly steps: number;
  readonly commits: number;
  readonly deliveries: number;
}

if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count) || count < 1) {
  console.error('expected whole numbers: --seeds N, --from S, --seed S');
  process.exitCode = 2;
} else if (values.share) process.send?.(await simulateAll(from, count, false));
else await report();

async function report(): Promise<void> {
  const began = performance.now();
  const cores = count < fewForOne ? 1 : Math.min(8, availableParallelism());
  const sums = cores === 1 ? [await simulateAll(from, count, values.seed !== undefined)] : await inProcesses(cores);
  const total = (of: keyof Sum) => sums.reduce((sum, one) => sum + one[of], 0);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${seconds} s: ${total('steps')} steps, ${total('commits')} commits, ${total('deliveries')} outputs delivered`);
  close({ passed: total('passed'), failed: total('failed') });
}

/** A process per core, each with its share of the seeds; one that dies has failed with all of them. */
function inProcesses(cores: number): Promise<readonly Sum[]> {
  const shares = Array.from({ length: cores }, (_, index) => {
    const first = from + Math.floor((count * index) / cores);
    return { first, seeds: from + Math.floor((count * (index + 1)) / cores) - first };
  });
  return Promise.all(
    shares.map(
      ({ first, seeds }) =>
        new Promise<Sum>((resolve) => {
          const child = fork(fileURLToPath(import.meta.url), ['--share', '--from', `${first}`, '--seeds', `${seeds}`]);
          let sum: Sum = { passed: 0, failed: seeds, steps: 0, commits: 0, deliveries: 0 };
          child.on('message', (message) => {
            sum = message as Sum;
          });
          child.on('exit', () => resolve(sum));
        }),
    ),
  );
}

async function simulateAll(first: number, seeds: number, tells: boolean): Promise<Sum> {
  const sum = { passed: 0, failed: 0, steps: 0, commits: 0, deliveries: 0 };
  for (let seed = first; seed < first + seeds; seed++) {
    const { violations, story, steps, commits, deliveries } = await simulate(seed, new Set(), tells);
    sum.steps += steps;
    sum.commits += commits;
    sum.deliveries += deliveries;
    for (const line of story) console.log(line);
    if (violations.length === 0) {
      sum.passed += 1;
      continue;
    }
    sum.failed += 1;
    console.log(`seed ${seed}: ${violations[0]}`);
    console.log(`        again with: npm run test:sim -- --seed ${seed}`);
  }
  return sum;
}
