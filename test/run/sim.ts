import { parseArgs } from 'node:util';
import { simulate } from '../sim/simulate.ts';
import { close } from './report.ts';

// The whole cluster in one process, without real time: `npm run test:sim -- --seeds N [--seed S]`. A seed that finds something wrong finds it
// again, with the story of what happened before: `npm run test:sim -- --seed S`.

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
  },
});
const one = values.seed === undefined ? null : Number(values.seed);
const from = one ?? Number(values.from);
const count = one === null ? Number(values.seeds ?? '2000') : 1;

if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count) || count < 1) {
  console.error('expected whole numbers: --seeds N, --from S, --seed S');
  process.exitCode = 2;
} else await simulateAll();

async function simulateAll(): Promise<void> {
  const began = performance.now();
  let [passed, failed, steps, commits, deliveries] = [0, 0, 0, 0, 0];
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await simulate(seed, new Set(), one !== null);
    steps += outcome.steps;
    commits += outcome.commits;
    deliveries += outcome.deliveries;
    for (const line of outcome.story) console.log(line);
    if (outcome.violations.length === 0) {
      passed += 1;
      continue;
    }
    failed += 1;
    console.log(`seed ${seed}: ${outcome.violations[0]}`);
    console.log(`        again with: npm run test:sim -- --seed ${seed}`);
  }
  const seconds = (performance.now() - began) / 1000;
  console.log(`${seconds.toFixed(1)} s, ${steps} steps, ${commits} commits, ${deliveries} outputs published`);
  close({ passed, failed });
}
