import { programCheck } from './program.ts';
import { runChecks } from './report.ts';

// The test of the tests: with any one law or guard broken on purpose, something must turn red.
await runChecks(
  [
    {
      id: 'laws',
      about: 'a fault planted in each law of the transformers is caught',
      run: () => programCheck('npx', ['tsx', 'test/run/mutants/laws.ts']),
    },
    {
      id: 'guards',
      about: 'a guard of leases, commits, topics or targets that is taken away is missed by the simulation',
      run: () => programCheck('npx', ['tsx', 'test/run/mutants/guards.ts']),
    },
  ],
  process.argv.slice(2),
);
