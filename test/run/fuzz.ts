import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { entry } from './fuzz/entry.ts';
import { expression } from './fuzz/expression.ts';
import { json } from './fuzz/json.ts';
import { jsonpath } from './fuzz/jsonpath.ts';
import { livestatus } from './fuzz/livestatus.ts';
import { notification } from './fuzz/notification.ts';
import type { Target } from './fuzz/target.ts';
import { yaml } from './fuzz/yaml.ts';
import { runChecks, type Tally } from './report.ts';

// Random input for every reader of what strangers write: `npm run test:fuzz -- NAME --runs N [--seed S]`. A failure prints its smallest
// counterexample and the seed that finds it again.

const targets: readonly Target[] = [json, notification, jsonpath, expression, yaml, entry, livestatus];

const { values, positionals } = parseArgs({
  options: {
    runs: { type: 'string', default: '20000' },
    seed: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const runs = Number(values.runs);
const seed = values.seed === undefined ? Date.now() | 0 : Number(values.seed);

if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(seed)) {
  console.error(`expected whole numbers: --runs ${values.runs}${values.seed === undefined ? '' : ` --seed ${values.seed}`}`);
  process.exitCode = 2;
} else {
  const checks = targets.map(({ id, about, property }) => ({ id, about, run: async () => fuzz(id, property) }));
  await runChecks(checks, values.list ? ['--list'] : positionals);
}

function fuzz(id: string, property: Target['property']): Tally {
  console.log(`seed ${seed}, ${runs} runs`);
  const began = performance.now();
  const found = fc.check(property, { numRuns: runs, seed });
  console.log(`${Math.round((performance.now() - began) / 100) / 10} s`);
  if (!found.failed) return { passed: found.numRuns, failed: 0 };
  console.log(fc.defaultReportMessage(found));
  console.log(`again with: npm run test:fuzz -- ${id} --runs ${runs} --seed ${seed}`);
  return { passed: found.numRuns - 1, failed: 1 };
}
