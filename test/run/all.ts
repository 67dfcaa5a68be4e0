import { runProgram } from './program.ts';
import { readClosingLine, runChecks, type Tally } from './report.ts';

// Every runner after the other, summed: the whole of what CI and a release ask.

const runners = [
  { id: 'check', about: 'npm run check', args: ['run', '--silent', 'check'] },
  { id: 'test', about: 'npm test', args: ['test', '--silent'] },
  { id: 'node', about: 'npm run test:node', args: ['run', '--silent', 'test:node'] },
];

async function runnerCheck(args: readonly string[]): Promise<Tally> {
  const { code, stdout } = await runProgram('npm', args);
  const tally = readClosingLine(stdout);
  if (tally === undefined) throw new Error(`npm ${args.join(' ')} ended with ${code} and no closing line`);
  return tally;
}

await runChecks(
  runners.map(({ id, about, args }) => ({ id, about, run: () => runnerCheck(args) })),
  process.argv.slice(2),
);
