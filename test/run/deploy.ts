import { programCheck } from './program.ts';
import { runChecks, type Tally } from './report.ts';
import { runVitest } from './vitest-run.ts';

// What deploy/ ships, tried as far as it can be without a cluster: rules and queries by promtool, manifests put together by kustomize and
// compared with what an agent listens on, units by systemd-analyze, `Type=notify` by a real agent, profiles by compose, completions by bash.

const withPrograms = ['bash', 'test/services/services.sh', 'run', 'promtool', 'kubectl', 'systemd', 'groff', '--'];
const build = () => programCheck('npm', ['run', '--silent', 'build']);

async function builtFirst(path: string): Promise<Tally> {
  const built = await build();
  return built.failed > 0 ? built : await runVitest([path], { before: withPrograms });
}

await runChecks(
  [
    {
      id: 'alerts',
      about: 'each alert fires where it should and has a runbook; dashboard and rules ask for what /metrics prints',
      run: () => runVitest(['test/deploy/alerts.test.ts'], { before: withPrograms }),
    },
    {
      id: 'files',
      about: 'Kubernetes, systemd, compose profiles, completions, man page, SBOM',
      run: () => builtFirst('test/deploy/files.test.ts'),
    },
    {
      id: 'examples',
      about: 'every pipeline that is shipped is one, and its tests beside it pass',
      run: async () => {
        const built = await build();
        if (built.failed > 0) return built;
        for (const folder of ['pipelines', 'deploy/kubernetes/pipelines']) {
          const checked = await programCheck('node', ['dist/cli/main.js', 'check', folder]);
          if (checked.failed > 0) return checked;
        }
        return await programCheck('node', ['dist/cli/main.js', 'test', 'pipelines']);
      },
    },
  ],
  process.argv.slice(2),
);
