/**
 * What every runner of checks has in common: ids as arguments, `--list`, and a closing line `N passed, N failed` that is the last
 * one printed, with exit code 0 or 1 (2 for a wrong argument).
 */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

export interface Check {
  readonly id: string;
  /** One line for `--list`. */
  readonly about: string;
  run(): Promise<Tally>;
}

/** Somebody ended us by a signal: nothing further is tried. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Runs the checks named in `ids` (all when there are none), one after the other, and closes with their sum. */
export async function runChecks(checks: readonly Check[], ids: readonly string[]): Promise<void> {
  if (ids.includes('--list')) {
    for (const check of checks) console.log(`${check.id.padEnd(12)} ${check.about}`);
    return;
  }
  const chosen = ids.length === 0 ? checks : choose(checks, ids);
  if (chosen === undefined) return;
  let sum: Tally = { passed: 0, failed: 0 };
  for (const check of chosen) {
    console.log(`\n── ${check.id}: ${check.about}`);
    const tally = await run(check);
    if (tally.failed > 0) console.log(`── ${check.id} failed`);
    sum = { passed: sum.passed + tally.passed, failed: sum.failed + tally.failed };
    if (tally.interrupted === true) break;
  }
  close(sum);
}

/** A run in which nothing was tried is a failure: it proves nothing. */
export function close(tally: Tally): void {
  const failed = tally.passed + tally.failed === 0 ? 1 : tally.failed;
  process.exitCode = failed === 0 ? 0 : 1;
  console.log(`${tally.passed} passed, ${failed} failed`);
}

/** The sum that a runner printed as its closing line, or undefined when there is none. */
export function readClosingLine(output: string): Tally | undefined {
  const found = /^(\d+) passed, (\d+) failed$/.exec(output.trimEnd().split('\n').at(-1) ?? '');
  return found === null ? undefined : { passed: Number(found[1]), failed: Number(found[2]) };
}

function choose(checks: readonly Check[], ids: readonly string[]): readonly Check[] | undefined {
  const unknown = ids.filter((id) => !checks.some((check) => check.id === id));
  if (unknown.length === 0) return checks.filter((check) => ids.includes(check.id));
  console.error(`unknown: ${unknown.join(', ')}; there are: ${checks.map((check) => check.id).join(', ')}`);
  process.exitCode = 2;
  return undefined;
}

async function run(check: Check): Promise<Tally & { readonly interrupted?: true }> {
  try {
    return await check.run();
  } catch (error) {
    if (error instanceof Interrupted) return { passed: 0, failed: 1, interrupted: true };
    console.error(error);
    return { passed: 0, failed: 1 };
  }
}
