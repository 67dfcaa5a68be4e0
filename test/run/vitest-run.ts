import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from './program.ts';
import type { Tally } from './report.ts';

/** The part of Vitest's JSON report that we count. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/**
 * Runs the test files below `paths`; `before` stands in front of the command (servers that it needs). A skipped test counts as
 * failed, and so does a file that could not be loaded, or a run that tried nothing.
 */
export async function runVitest(
  paths: readonly string[],
  options: {
    readonly before?: readonly string[];
    readonly env?: NodeJS.ProcessEnv;
    readonly exclude?: readonly string[];
    /** Only tests with one of these in their names; the others of a file are no failures. */
    readonly titles?: readonly string[];
  } = {},
): Promise<Tally> {
  const dir = await mkdtemp(join(tmpdir(), 'ceilograph-report-'));
  try {
    await chmod(dir, 0o711); // a server that does not run as root has its folder below
    const file = join(dir, 'report.json');
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...paths, '--reporter=default', '--reporter=json'];
    const chosen = options.titles === undefined ? [] : ['--testNamePattern', options.titles.map(escaped).join('|')];
    const excludes = (options.exclude ?? []).flatMap((glob) => ['--exclude', glob]);
    const command = [...(options.before ?? []), 'node', ...vitest, `--outputFile.json=${file}`, ...excludes, ...chosen];
    const [program = 'node', ...args] = command;
    // What tests leave in the folder for temporary files goes with ours.
    const { code } = await runProgram(program, args, { TMPDIR: dir, ...options.env });
    return tallyOf(await readReport(file), code, options.titles !== undefined);
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Only the tests whose full title the pattern finds; none is a failure. */
export async function runPicked(paths: readonly string[], pattern: string): Promise<Tally> {
  const dir = await mkdtemp(join(tmpdir(), 'ceilograph-report-'));
  try {
    const file = join(dir, 'report.json');
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...paths, '--reporter=dot', '--reporter=json', '-t', pattern];
    const { code } = await runProgram('node', [...vitest, `--outputFile.json=${file}`], { TMPDIR: dir }, pickedWithinMs);
    const { numPassedTests: passed = 0, numFailedTests: failed = 1 } = (await readReport(file)) ?? {};
    return { passed, failed: failed === 0 && (code !== 0 || passed === 0) ? 1 : failed };
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

const pickedWithinMs = 60 * 60_000;

async function readReport(file: string): Promise<VitestReport | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as VitestReport;
  } catch (error) {
    console.error('the tests left no report behind', error);
    return undefined;
  }
}

function escaped(title: string): string {
  return title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

export function tallyOf(report: VitestReport | undefined, exitCode: number, chosen = false): Tally {
  if (report === undefined) return { passed: 0, failed: 1 };
  const skipped = report.testResults.flatMap((file) =>
    file.assertionResults.filter((test) => !['passed', 'failed'].includes(test.status)).map((test) => test.fullName),
  );
  if (chosen && report.numPassedTests + report.numFailedTests === 0) {
    console.log('no test has such a title');
    return { passed: 0, failed: 1 };
  }
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  if (!chosen) for (const name of skipped) console.log(`skipped, which counts as failed: ${name}`);
  for (const file of broken) console.log(`could not be run: ${file.name}`);
  const left = chosen ? 0 : Math.max(skipped.length, report.numPendingTests + report.numTodoTests);
  const failed = report.numFailedTests + left + broken.length;
  // An error outside of any test fails the run although each test passed; so does a run that found no test.
  if (failed === 0 && exitCode !== 0)
    console.log(`no test failed among ${report.numPassedTests}, yet the run ended with ${exitCode}`);
  return { passed: report.numPassedTests, failed: failed === 0 && exitCode !== 0 ? 1 : failed };
}
