import { programCheck } from './program.ts';
import { runChecks } from './report.ts';
import { runVitest } from './vitest-run.ts';

// The README's second command: builds, starts the real servers that the tests need, runs every test against them.
// A server that cannot be had is a failure, never a skip.

const servers = ['rabbitmq', 'redis', 'kafka', 'postgres', 'prometheus', 'pushgateway'];
const withServers = ['bash', 'test/services/services.sh', 'run', ...servers, '--'];

await runChecks(
  [
    { id: 'build', about: 'compiles src to dist', run: () => programCheck('npm', ['run', '--silent', 'build']) },
    { id: 'unit', about: 'what needs no server', run: () => runVitest(['test/unit/']) },
    {
      id: 'simulation',
      about: 'a cluster in one process, 2,000 lives of it with all that can befall it',
      run: () => programCheck('npx', ['tsx', 'test/run/sim.ts', '--seeds', '2000']),
    },
    {
      id: 'servers',
      about: `contracts and integration against a real ${servers.join(', ')}`,
      run: () => runVitest(['test/contract/', 'test/integration/'], { before: withServers }),
    },
  ],
  process.argv.slice(2),
);
