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

export interface VitestOptions {
  /** Stands in front of the command: servers that the tests need. */
  readonly before?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly exclude?: readonly string[];
  /** Only the tests whose full title this pattern finds; the others are no failures then, and none is one. */
  readonly pick?: string;
}

/** What was picked may be of the long ones. */
const pickedWithinMs = 60 * 60_000;

/**
 * Runs the test files below `paths`. A skipped test counts as failed, and so does a file that could not be loaded, or a run that
 * tried nothing.
 */
export async function runVitest(paths: readonly string[], options: VitestOptions = {}): Promise<Tally> {
  const { before = [], env, exclude = [], pick } = options;
  const dir = await mkdtemp(join(tmpdir(), 'ceilograph-report-'));
  try {
    await chmod(dir, 0o711); // a server that does not run as root has its folder below
    const file = join(dir, 'report.json');
    const reporter = pick === undefined ? 'default' : 'dot';
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...paths, `--reporter=${reporter}`, '--reporter=json'];
    const chosen = [...exclude.flatMap((glob) => ['--exclude', glob]), ...(pick === undefined ? [] : ['-t', pick])];
    const [program = 'node', ...args] = [...before, 'node', ...vitest, `--outputFile.json=${file}`, ...chosen];
    // What tests leave in the folder for temporary files goes with ours.
    const { code } = await runProgram(program, args, { TMPDIR: dir, ...env }, pick === undefined ? undefined : pickedWithinMs);
    return tallyOf(await readReport(file), code, pick !== undefined);
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function readReport(file: string): Promise<VitestReport | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as VitestReport;
  } catch (error) {
    console.error('the tests left no report behind', error);
    return undefined;
  }
}

export function tallyOf(report: VitestReport | undefined, exitCode: number, picked = false): Tally {
  if (report === undefined) return { passed: 0, failed: 1 };
  const skipped = report.testResults.flatMap((file) =>
    file.assertionResults.filter((test) => !['passed', 'failed'].includes(test.status)).map((test) => test.fullName),
  );
  if (picked && report.numPassedTests + report.numFailedTests === 0) {
    console.log('no test has such a title');
    return { passed: 0, failed: 1 };
  }
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  if (!picked) for (const name of skipped) console.log(`skipped, which counts as failed: ${name}`);
  for (const file of broken) console.log(`could not be run: ${file.name}`);
  const left = picked ? 0 : Math.max(skipped.length, report.numPendingTests + report.numTodoTests);
  const failed = report.numFailedTests + left + broken.length;
  // An error outside of any test fails the run although each test passed; so does a run that found no test.
  if (failed === 0 && exitCode !== 0)
    console.log(`no test failed among ${report.numPassedTests}, yet the run ended with ${exitCode}`);
  return { passed: report.numPassedTests, failed: failed === 0 && exitCode !== 0 ? 1 : failed };
}
