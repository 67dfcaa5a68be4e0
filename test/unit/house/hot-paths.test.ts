import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { projectDir } from '../../run/program.ts';

// Counted, not timed: the same on every machine. `bench/hot-paths.json` says what each path may cost; how to renew it stands in `bench/hot-paths.ts`.

const paths = ['convert', 'sign', 'entry', 'step', 'commit'];
// The budget is Node 20's; later versions allocate less. What is executed is ours alone.
const mostBytes = 1.03;
const mostExecuted = 1.02;
/** A gain that is not written down may be lost again unnoticed. */
const leastExecuted = 0.9;

interface Cost {
  readonly bytes: number;
  readonly executed: number;
}

type Costs = Readonly<Record<string, Cost>>;

describe('a hot path', () => {
  let costs: Costs;
  let budget: Costs;

  beforeAll(async () => {
    const bench = join(projectDir, 'bench/hot-paths.ts');
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', bench, '--json'], { cwd: projectDir });
    ({ costs, budget } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as { costs: Costs; budget: Costs });
  });

  it('has a budget, each of them', () => {
    expect([Object.keys(costs), Object.keys(budget)]).toEqual([paths, paths]);
  });

  it.each(paths)('allocates and executes no more than its budget: %s', (path) => {
    const [cost, allowed] = [costs[path], budget[path]];

    expect(cost?.bytes).toBeLessThanOrEqual((allowed?.bytes ?? 0) * mostBytes);
    expect(cost?.executed).toBeLessThanOrEqual((allowed?.executed ?? 0) * mostExecuted);
    expect(cost?.executed).toBeGreaterThanOrEqual((allowed?.executed ?? 0) * leastExecuted);
  });
});
