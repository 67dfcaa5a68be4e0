import { type Flaw, flaws } from '../../sim/flaws.ts';
import { simulate } from '../../sim/simulate.ts';
import { type Check, runChecks } from '../report.ts';

// The test of the simulation: with any one guard removed it finds something wrong, within as many seeds as `npm test` runs, and with
// that seed nothing when the guard is there.
const seeds = 2_000;

function guardCheck(id: Flaw): Check {
  return {
    id,
    about: flaws[id],
    run: async () => {
      for (let seed = 1; seed <= seeds; seed++) {
        const { violations } = await simulate(seed, new Set([id]));
        if (violations.length === 0 || (await simulate(seed)).violations.length > 0) continue;
        console.log(`caught by seed ${seed}: ${(violations[0] ?? '').slice(0, 200)}`);
        return { passed: 1, failed: 0 };
      }
      console.log(`MISSED in ${seeds} seeds`);
      return { passed: 0, failed: 1 };
    },
  };
}

await runChecks((Object.keys(flaws) as Flaw[]).map(guardCheck), process.argv.slice(2));
