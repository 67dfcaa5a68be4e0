import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Check, Interrupted, readClosingLine, runChecks } from '../../run/report.ts';
import { tallyOf } from '../../run/vitest-run.ts';
import { projectDir } from './biome.ts';

const check = (id: string, passed: number, failed: number): Check => ({
  id,
  about: `is ${id}`,
  run: async () => ({ passed, failed }),
});

const report = (statuses: readonly string[], fileStatus = 'passed') => ({
  numPassedTests: statuses.filter((status) => status === 'passed').length,
  numFailedTests: statuses.filter((status) => status === 'failed').length,
  numPendingTests: statuses.filter((status) => status === 'skipped').length,
  numTodoTests: statuses.filter((status) => status === 'todo').length,
  testResults: [
    {
      name: 'a.test.ts',
      status: fileStatus,
      assertionResults: statuses.map((status, at) => ({ status, fullName: `test ${at}` })),
    },
  ],
});

describe('a runner of checks', () => {
  const said: string[] = [];

  beforeEach(() => {
    said.length = 0;
    process.exitCode = 0;
    vi.spyOn(console, 'log').mockImplementation((line: string) => void said.push(line));
    vi.spyOn(console, 'error').mockImplementation(() => {});
  });

  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = 0;
  });

  it('closes with the sum of its checks', async () => {
    await runChecks([check('a', 3, 0), check('b', 2, 0)], []);

    expect(said.at(-1)).toBe('5 passed, 0 failed');
    expect(process.exitCode).toBe(0);
  });

  it('runs only the checks that were named', async () => {
    await runChecks([check('a', 3, 0), check('b', 2, 0)], ['b']);

    expect(said.at(-1)).toBe('2 passed, 0 failed');
  });

  it('exits with 1 when a check fails, throws or tried nothing', async () => {
    const throws: Check = { ...check('b', 0, 0), run: () => Promise.reject(new Error('planted')) };
    for (const [checks, closing] of [
      [[check('a', 3, 1)], '3 passed, 1 failed'],
      [[check('a', 3, 0), throws], '3 passed, 1 failed'],
      [[check('a', 0, 0)], '0 passed, 1 failed'],
    ] as const) {
      process.exitCode = 0;

      await runChecks(checks, []);

      expect([said.at(-1), process.exitCode]).toEqual([closing, 1]);
    }
  });

  it('tries nothing further once it was interrupted', async () => {
    const interrupted: Check = { ...check('a', 0, 0), run: () => Promise.reject(new Interrupted('SIGTERM')) };

    await runChecks([interrupted, check('b', 2, 0)], []);

    expect([said.at(-1), process.exitCode]).toEqual(['0 passed, 1 failed', 1]);
  });

  it('exits with 2 on an unknown id and runs nothing', async () => {
    await runChecks([check('a', 3, 0)], ['a', 'z']);

    expect([said, process.exitCode]).toEqual([[], 2]);
  });

  it('lists its checks and runs none', async () => {
    await runChecks([check('a', 3, 1)], ['--list']);

    expect([said, process.exitCode]).toEqual([['a            is a'], 0]);
  });

  it('reads the closing line of another', () => {
    expect(readClosingLine('noise\n12 passed, 3 failed\n')).toEqual({ passed: 12, failed: 3 });
    expect(readClosingLine('12 passed, 3 failed\nnoise\n')).toBeUndefined();
    expect(readClosingLine('')).toBeUndefined();
  });
});

describe('npm run test:all', () => {
  it('runs every runner of package.json', () => {
    const { scripts } = JSON.parse(readFileSync(join(projectDir, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    const runners = Object.keys(scripts).filter((name) => /^(?:check|test(?::.*)?)$/.test(name) && name !== 'test:all');
    const listed = execFileSync(process.execPath, ['--import', 'tsx', 'test/run/all.ts', '--list'], {
      cwd: projectDir,
      encoding: 'utf8',
    });

    expect([...listed.matchAll(/npm(?: run)? (\S+)$/gm)].map(([, name]) => name).sort()).toEqual(runners.sort());
  });
});

describe('the count of a test run', () => {
  beforeEach(() => {
    vi.spyOn(console, 'log').mockImplementation(() => {});
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each([
    ['passing tests', report(['passed', 'passed']), 0, { passed: 2, failed: 0 }],
    ['a failed test', report(['passed', 'failed'], 'failed'), 1, { passed: 1, failed: 1 }],
    ['a skipped test as failed', report(['passed', 'skipped']), 0, { passed: 1, failed: 1 }],
    ['a test still to write as failed', report(['passed', 'todo']), 0, { passed: 1, failed: 1 }],
    ['a file that does not load as failed', report([], 'failed'), 1, { passed: 0, failed: 1 }],
    ['an error outside of any test as failed', report(['passed']), 1, { passed: 1, failed: 1 }],
    ['a run without a report as failed', undefined, 0, { passed: 0, failed: 1 }],
  ])('counts %s', (_title, from, exitCode, expected) => {
    expect(tallyOf(from, exitCode)).toEqual(expected);
  });
});
