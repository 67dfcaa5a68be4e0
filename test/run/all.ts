import { runProgram } from './program.ts';
import { readClosingLine, runChecks, type Tally } from './report.ts';

// Every runner after the other, summed, the quick ones first: the whole of what a release asks. It takes hours; ids choose.

const runners = [
  'check',
  'test',
  'test:node',
  'test:peers',
  'test:mutants',
  'test:fuzz',
  'test:newcomer',
  'test:browser',
  'test:compose',
  'test:deploy',
  'test:sim',
  'test:model',
  'test:oracle',
  'test:soak',
  'test:faults',
];
/** The fault tests alone may take an hour. */
const withinMs = 90 * 60_000;

async function runnerCheck(name: string): Promise<Tally> {
  const { code, stdout } = await runProgram('npm', ['run', '--silent', name], {}, withinMs);
  const tally = readClosingLine(stdout);
  if (tally === undefined) throw new Error(`npm run ${name} ended with ${code} and no closing line`);
  return tally;
}

await runChecks(
  runners.map((name) => ({ id: name.replace('test:', ''), about: `npm run ${name}`, run: () => runnerCheck(name) })),
  process.argv.slice(2),
);
