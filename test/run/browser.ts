import { programCheck } from './program.ts';
import { runChecks } from './report.ts';
import { runVitest } from './vitest-run.ts';

// The page in a real Chromium, on agents that run for real. Debian's package is installed where the machine has none.

const withChromium = ['bash', 'test/services/services.sh', 'run', 'chromium', '--'];

await runChecks(
  [
    { id: 'build', about: 'compiles src to dist', run: () => programCheck('npm', ['run', '--silent', 'build']) },
    {
      id: 'page',
      about: 'live, partitions that move, an agent restarted, dead letters, phone, keyboard, axe-core',
      run: () => runVitest(['test/browser/'], { before: withChromium }),
    },
  ],
  process.argv.slice(2),
);
