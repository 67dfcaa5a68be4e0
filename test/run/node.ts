import { execFile } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { promisify } from 'node:util';
import { programCheck, runProgram } from './program.ts';
import { runChecks, type Tally } from './report.ts';
import { runVitest } from './vitest-run.ts';

// Build, unit tests, embedded contracts and the demo on another Node, which the npm package `node` brings.

const versions = ['20', '22', '24'];
const execute = promisify(execFile);

/** The folder of a `node` of that version; it goes first in PATH, so that everything below runs on it. */
async function folderOfNode(major: string): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return dirname(process.execPath);
  const print = 'console.log(process.execPath)';
  const { stdout } = await execute('npx', ['-y', `node@${major}`, '-e', print], { timeout: 180_000 });
  return dirname(stdout.trim());
}

async function checkOn(major: string): Promise<Tally> {
  const env = { PATH: `${await folderOfNode(major)}${delimiter}${process.env.PATH}` };
  const { stdout } = await runProgram('node', ['--version'], env);
  if (!stdout.startsWith(`v${major}.`)) throw new Error(`asked for Node ${major}, got ${stdout.trim()}`);
  const tallies = [
    await programCheck('npm', ['run', '--silent', 'build'], env),
    await runVitest(['test/unit/', 'test/contract/'], { env, exclude: ['**/*.it.test.ts'] }),
    await programCheck('npm', ['run', '--silent', 'demo', '--', '--once'], env),
  ];
  return tallies.reduce((sum, tally) => ({ passed: sum.passed + tally.passed, failed: sum.failed + tally.failed }));
}

await runChecks(
  versions.map((major) => ({ id: major, about: `build, unit, contracts and demo on Node ${major}`, run: () => checkOn(major) })),
  process.argv.slice(2),
);
